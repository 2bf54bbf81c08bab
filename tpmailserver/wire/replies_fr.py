"""The catalogue in French, without accents: the wire is ASCII.

The rule it guards: the same facts in the same braces as in English; verbs, codes and addresses are
not translated. A text that is missing here is said in English, and a test finds it.
"""

NOUNS = {
    "mailbox": ("boite", "boites"),
    "message": ("message", "messages"),
    "deletion": ("suppression", "suppressions"),
    "line": ("ligne", "lignes"),
}
"""One and more of each thing that is counted."""

TEXTS = {
    # SMTP
    "{host} ESMTP tpmailserver, mail stays on this site; say HELO": (
        "{host} ESMTP tpmailserver, le courrier reste sur ce site ; dites HELO"
    ),
    "{host} at your service, {name}": "{host} a votre service, {name}",
    "{host} closes the connection, goodbye": "{host} ferme la connexion, au revoir",
    "OK, the message is forgotten; MAIL FROM starts another": (
        "OK, le message est oublie ; MAIL FROM en commence un autre"
    ),
    "sender {address}; say RCPT TO for each recipient": (
        "expediteur {address} ; dites RCPT TO pour chaque destinataire"
    ),
    "recipient {address}; another RCPT TO, or DATA": (
        "destinataire {address} ; un autre RCPT TO, ou DATA"
    ),
    'type the message, then a line with only "." to end it': (
        'tapez le message, puis une ligne avec seulement "." pour le finir'
    ),
    "delivered to {mailboxes}, id={identity}": "remis dans {mailboxes}, id={identity}",
    "delivered to {mailboxes}, held for the owner of {lists}, id={identity}": (
        "remis dans {mailboxes}, en attente chez le proprietaire de {lists}, id={identity}"
    ),
    "held for the owner of {lists}, id={identity}": (
        "en attente chez le proprietaire de {lists}, id={identity}"
    ),
    "taken by the list's program, which sends it to nobody, id={identity}": (
        "pris par le programme de la liste, qui ne l'envoie a personne, id={identity}"
    ),
    "no help on {name}; HELP alone lists what can be said": (
        "pas d'aide sur {name} ; HELP seul liste ce qui peut se dire"
    ),
    "logged in as {account}": "connecte comme {account}",
    "name a mechanism: AUTH PLAIN or AUTH LOGIN": (
        "il manque un mecanisme : AUTH PLAIN ou AUTH LOGIN"
    ),
    "that mechanism is not offered: AUTH PLAIN or AUTH LOGIN": (
        "ce mecanisme n'est pas propose : AUTH PLAIN ou AUTH LOGIN"
    ),
    "you are logged in as {account} already": "vous etes deja connecte comme {account}",
    "send EHLO first: AUTH is an extension": "envoyez d'abord EHLO : AUTH est une extension",
    "not in the middle of a message; RSET forgets it": (
        "pas au milieu d'un message ; RSET l'oublie"
    ),
    "{count} failed logins; connect again to go on": (
        "{count} connexions refusees ; reconnectez-vous pour continuer"
    ),
    "unknown command {verb}{hint}": "commande inconnue {verb}{hint}",
    'unknown command {verb} after the end of the message; a body line "." must be sent ".."': (
        'commande inconnue {verb} apres la fin du message ; une ligne "." du corps s\'envoie ".."'
    ),
    "{verb} is not offered here; HELP lists what is": (
        "{verb} n'est pas propose ici ; HELP liste ce qui l'est"
    ),
    "an empty line is no command; HELP lists what can be said": (
        "une ligne vide n'est pas une commande ; HELP liste ce qui peut se dire"
    ),
    "send HELO first, with your machine's name: HELO mypc": (
        "envoyez d'abord HELO, avec le nom de votre machine : HELO mypc"
    ),
    "send MAIL FROM first": "envoyez d'abord MAIL FROM",
    "send RCPT TO first": "envoyez d'abord RCPT TO",
    "the sender is {address} already; RSET starts again": (
        "l'expediteur est deja {address} ; RSET recommence"
    ),
    "no valid recipients: every RCPT TO was refused": (
        "aucun destinataire valable : chaque RCPT TO a ete refuse"
    ),
    "{count} bad commands in a row; goodbye": "{count} mauvaises commandes de suite ; au revoir",
    "{verb} takes your machine's name: {verb} mypc": (
        "{verb} prend le nom de votre machine : {verb} mypc"
    ),
    "{verb} takes no argument": "{verb} ne prend pas d'argument",
    "the form is {form}": "la forme est {form}",
    "a colon is missing: {form}": "il manque un deux-points : {form}",
    "{verb} goes with {keyword}: {form}": "{verb} va avec {keyword} : {form}",
    "a message needs a recipient: {form}": "il faut un destinataire : {form}",
    "SIZE takes a number of octets: SIZE=1000": "SIZE prend un nombre d'octets : SIZE=1000",
    "BODY is 7BIT or 8BITMIME": "BODY est 7BIT ou 8BITMIME",
    "AUTH takes an address in xtext, or <>": "AUTH prend une adresse en xtext, ou <>",
    "SMTPUTF8 takes no value": "SMTPUTF8 ne prend pas de valeur",
    "{name} is no parameter of {verb} here": "{name} n'est pas un parametre de {verb} ici",
    "an address beyond ASCII needs SMTPUTF8: MAIL FROM:<...> SMTPUTF8": (
        "une adresse hors d'ASCII demande SMTPUTF8 : MAIL FROM:<...> SMTPUTF8"
    ),
    "the line held a control character ({name}); nothing was done": (
        "la ligne contenait un caractere de controle ({name}) ; rien n'a ete fait"
    ),
    "that line is longer than {limit} octets; nothing was done": (
        "cette ligne depasse {limit} octets ; rien n'a ete fait"
    ),
    "end a line with CR LF; that one ended in LF alone": (
        "finissez une ligne par CR LF ; celle-ci finissait par LF seul"
    ),
    "end a line with CR LF; that one ended in CR alone": (
        "finissez une ligne par CR LF ; celle-ci finissait par CR seul"
    ),
    "no TLS here: set your program's connection security to None": (
        "pas de TLS ici : dans votre logiciel, mettez la securite de la connexion a Aucune"
    ),
    "a message holds at most {limit} octets": "un message a au plus {limit} octets",
    "a message takes at most {limit} RCPT TO": "un message prend au plus {limit} RCPT TO",
    "nothing delivered: the first line ended in {end}, so the message ends with "
    "{end} . {end}, as printf '{escapes}.{escapes}' sends it": (
        "rien n'est remis : la premiere ligne finissait par {end}, le message finit donc par "
        "{end} . {end}, comme l'envoie printf '{escapes}.{escapes}'"
    ),
    'nothing delivered: no line with only "." ended the message': (
        "rien n'est remis : aucune ligne avec seulement \".\" n'a fini le message"
    ),
    "nothing delivered: a line ended in LF without CR": (
        "rien n'est remis : une ligne finissait par LF sans CR"
    ),
    "no command for {seconds} seconds; goodbye": (
        "pas de commande depuis {seconds} secondes ; au revoir"
    ),
    "nothing delivered: the message had not ended after {seconds} seconds": (
        "rien n'est remis : le message n'avait pas fini apres {seconds} secondes"
    ),
    # POP3
    "{host} POP3 server ready; say USER": "{host} serveur POP3 pret ; dites USER",
    "goodbye, {removed} removed": "au revoir, supprime : {removed}",
    "nothing done": "rien n'a ete fait",
    "{unmarked} unmarked, you have {messages}": "demarque : {unmarked}, vous en avez {messages}",
    "now send PASS": "envoyez maintenant PASS",
    "maildrop of {account} has {messages} ({octets} octets){note}": (
        "la boite de {account} a {messages} ({octets} octets){note}"
    ),
    "; {deletions} of your last session not made: it ended without QUIT": (
        " ; non fait de votre derniere session : {deletions}, elle a fini sans QUIT"
    ),
    "unique names follow": "les noms uniques suivent",
    "the header and {lines} of the body follow": "l'en-tete et {lines} du corps suivent",
    "message {number} is marked; QUIT removes it, RSET unmarks it": (
        "le message {number} est marque ; QUIT le supprime, RSET le demarque"
    ),
    "what this server can do follows": "ce que sait faire ce serveur suit",
    "mechanisms follow": "les mecanismes suivent",
    "what can be said follows": "ce qui peut se dire suit",
    "log in first: USER, then PASS": "connectez-vous d'abord : USER, puis PASS",
    "send USER first": "envoyez d'abord USER",
    "unknown command; the password goes behind PASS and a space": (
        "commande inconnue ; le mot de passe va derriere PASS et une espace"
    ),
    "no message {number} (you have {messages})": (
        "pas de message {number} (vous en avez {messages})"
    ),
    "message {number} is deleted; RSET brings it back": (
        "le message {number} est supprime ; RSET le ramene"
    ),
    # addresses
    "that is neither ASCII nor UTF-8: {form}": "ce n'est ni ASCII ni UTF-8 : {form}",
    "an address is missing: {form}": "il manque une adresse : {form}",
    "the closing > is missing: {form}": "il manque le > fermant : {form}",
    "that is no address: {form}": "ce n'est pas une adresse : {form}",
    "what stands before @ is over 64 octets": "ce qui precede @ depasse 64 octets",
    "the domain is over 255 octets": "le domaine depasse 255 octets",
    "the path is over 256 octets": "le chemin depasse 256 octets",
    "a space is missing after >: {form}": "il manque une espace apres > : {form}",
    "a parameter is KEYWORD or KEYWORD=value": "un parametre est MOT ou MOT=valeur",
    "a parameter stands there twice": "un parametre y est deux fois",
    # AUTH
    "cancelled, as you asked": "annule, comme demande",
    "that is not base64; encode with: printf 'TEXT' | base64": (
        "ce n'est pas du base64 ; codez avec : printf 'TEXTE' | base64"
    ),
    r"PLAIN is printf '\0LOGIN\0PASSWORD' | base64": (
        r"PLAIN est printf '\0LOGIN\0MOTDEPASSE' | base64"
    ),
    "the decoded text ends in a newline, which echo adds; encode with printf '%s' instead": (
        "le texte decode finit par un saut de ligne, ajoute par echo ; codez avec printf '%s'"
    ),
    "that decodes to no text; encode with: printf 'TEXT' | base64": (
        "decode, ce n'est pas un texte ; codez avec : printf 'TEXTE' | base64"
    ),
    "that line is longer than 12288 octets": "cette ligne depasse 12288 octets",
    r"nothing may stand before the first \0 but the login itself": (
        r"rien ne peut preceder le premier \0, sinon le login lui-meme"
    ),
    # refusals
    "{0} is not in this site's networks; its teacher can admit it in tpmail.toml": (
        "{0} n'est pas dans les reseaux de ce site ; l'enseignant peut l'admettre (tpmail.toml)"
    ),
    "{0} sessions are open, the limit; try again soon": (
        "{0} sessions sont ouvertes, la limite ; reessayez bientot"
    ),
    "{0} has {1} sessions open, the limit; close some": (
        "{0} a {1} sessions ouvertes, la limite ; fermez-en"
    ),
    "wrong number or password": "numero ou mot de passe faux",
    "too many logins at once; try again soon": ("trop de connexions a la fois ; reessayez bientot"),
    "{0} reads this maildrop since {1}; close that program or session first": (
        "{0} lit cette boite depuis {1} ; fermez d'abord ce logiciel ou cette session"
    ),
    "{0} messages in ten minutes is the limit; go on at {1}": (
        "{0} messages en dix minutes est la limite ; continuez a {1}"
    ),
    "{0} is not on this site, and mail stays here: write to NUMBER@{1}": (
        "{0} n'est pas sur ce site, et le courrier y reste : ecrivez a NUMERO@{1}"
    ),
    "there is no mailbox {0} here": "il n'y a pas de boite {0} ici",
    "the mailbox of {0} is full; its owner must delete mail": (
        "la boite de {0} est pleine ; son proprietaire doit supprimer du courrier"
    ),
    "{0} is a list and takes no mail from <>: give your address in MAIL FROM": (
        "{0} est une liste et ne prend rien de <> : donnez votre adresse dans MAIL FROM"
    ),
    "{0} takes mail from {1} only": "{0} ne prend de courrier que de {1}",
    "its members": "ses membres",
    "its owner": "son proprietaire",
    "{0} is a list and sends on no automatic answer (its header says Auto-Submitted)": (
        "{0} est une liste et ne transmet pas de reponse automatique (en-tete Auto-Submitted)"
    ),
    "nobody is on the list {0} yet; its teacher can add members": (
        "la liste {0} n'a encore personne ; l'enseignant peut ajouter des membres"
    ),
    "too much waits on the list {0}; its owner must approve or reject some of it": (
        "trop de messages attendent sur la liste {0} ; son proprietaire doit en faire le tri"
    ),
    "{0} is suspended until its teacher resumes it: {1}": (
        "{0} est suspendue jusqu'a ce que l'enseignant la relance : {1}"
    ),
    "{1} messages to {0} in ten minutes is the limit; go on at {2}": (
        "{1} messages a {0} en dix minutes est la limite ; continuez a {2}"
    ),
    "loop: {0}; a message passes a list only once": (
        "boucle : {0} ; un message ne passe qu'une fois par une liste"
    ),
    "the program of {0} failed; try again later, its teacher sees why: tpmail list show {0}": (
        "le programme de {0} a echoue ; reessayez plus tard, "
        "l'enseignant voit pourquoi : tpmail list show {0}"
    ),
    "{0} does not take this message: {1}": "{0} ne prend pas ce message : {1}",
    "there is no list {0} here": "il n'y a pas de liste {0} ici",
    "the members of {0} are shown to its members only, after AUTH": (
        "les membres de {0} ne sont montres qu'a ses membres, apres AUTH"
    ),
    "a program decides with each message who gets it from {0}: write to it and see": (
        "un programme decide a chaque message a qui {0} l'envoie : ecrivez-lui pour voir"
    ),
    "cannot tell about {0} here, but RCPT TO will": "rien a dire de {0} ici, mais RCPT TO le dira",
    "loop: {1} -> {2}; the message has {0} Received fields, it goes round": (
        "boucle : {1} -> {2} ; le message a {0} champs Received, il tourne en rond"
    ),
    "that message was removed by another session meanwhile": (
        "ce message a ete supprime entre-temps par une autre session"
    ),
    "some messages not removed ({0}); they will be there again": (
        "certains messages n'ont pas ete supprimes ({0}) ; ils seront encore la"
    ),
    "the server is short of space; try again later": (
        "le serveur manque de place ; reessayez plus tard"
    ),
    "trouble on the server's side; try again later": (
        "ennui du cote du serveur ; reessayez plus tard"
    ),
    "the server is stopping; try again later": "le serveur s'arrete ; reessayez plus tard",
    "the instructor has stopped {0} for now; try again later": (
        "l'enseignant a arrete {0} pour le moment ; reessayez plus tard"
    ),
    "mailbox reset by the instructor": "boite remise a zero par l'enseignant",
    "the instructor has closed this session": "l'enseignant a ferme cette session",
    # hints
    ", did you mean {meant}?": ", vouliez-vous dire {meant} ?",
    "; HELP lists what can be said": " ; HELP liste ce qui peut se dire",
    "; a header line belongs into the message, after DATA": (
        " ; une ligne d'en-tete va dans le message, apres DATA"
    ),
    "; that is SMTP, and this is POP3": " ; c'est du SMTP, et ici c'est POP3",
    "; that is POP3, and this is SMTP": " ; c'est du POP3, et ici c'est SMTP",
    "; this is a mail server, not a web server": (
        " ; ceci est un serveur de courrier, pas un serveur web"
    ),
    # what the verbs are for
    "says who you are": "dit qui vous etes",
    "the same, and asks what the server can do": "de meme, et demande ce que sait le serveur",
    "logs in, which is optional; or AUTH LOGIN": "connecte, ce qui est facultatif ; ou AUTH LOGIN",
    "starts a message with its sender": "commence un message par son expediteur",
    "adds a recipient": "ajoute un destinataire",
    'then the message and a line with only "."': 'puis le message et une ligne avec seulement "."',
    "forgets the message under way": "oublie le message en cours",
    "does nothing": "ne fait rien",
    "asks whether a name is known": "demande si un nom est connu",
    "asks who is on a list": "demande qui est sur une liste",
    "lists what can be said now, or explains a verb": (
        "liste ce qui peut se dire, ou explique un verbe"
    ),
    "ends the session": "finit la session",
    "opens your maildrop": "ouvre votre boite",
    "logs in another way; or AUTH LOGIN": "connecte autrement ; ou AUTH LOGIN",
    "counts messages and octets": "compte messages et octets",
    "gives each message's size": "donne la taille de chaque message",
    "gives each message's unique name": "donne le nom unique de chaque message",
    "sends a message": "envoie un message",
    "sends its header and so many lines": "envoie son en-tete et tant de lignes",
    "marks a message; QUIT removes it": "marque un message ; QUIT le supprime",
    "unmarks what DELE marked": "demarque ce que DELE a marque",
    "gives the highest message number you have read": "donne le plus grand numero deja lu",
    "lists what this server can do": "liste ce que sait faire ce serveur",
    "removes what is marked, and ends the session": (
        "supprime ce qui est marque, et finit la session"
    ),
}

"""What this server promises, each line beside the tests that break when the promise does.

`page` turns this table and the last figures into docs/promises.md. A test is named by its file
below tests/ and its function; where a test has parameters, all of them count.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise in a sentence or two, and what holds it."""

    words: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """Promises of one kind."""

    title: str
    promises: Sequence[Promise]


def _promise(words: str, *tests: str) -> Promise:
    return Promise(words, tests)


CHAPTERS = (
    Chapter(
        "Nothing acknowledged is ever lost",
        (
            _promise(
                "`250` after the final dot means on the disk, in every recipient's mailbox,"
                " readable exactly as sent, even if the server is killed in the next instant.",
                "faults/test_killed.py::test_nothing_acknowledged_is_lost",
                "test_fuzz_cuts.py::test_a_message_comes_back_as_it_was_sent",
            ),
            _promise(
                "Nor does a power cut lose it: file and folders are synced before `250` is sent.",
                "test_strace.py::test_250_is_sent_when_everything_is_on_the_disk",
                "test_strace.py::test_a_list_beside_a_direct_recipient_is_written_before_either_has_it",
                "test_strace.py::test_a_new_mailbox_is_on_the_disk_too",
            ),
            _promise(
                "A broken mailbox is found before anything is delivered; a failure half way is a"
                " `4xx`, for a second copy is better than none.",
                "test_store_delivery.py::test_a_broken_mailbox_is_found_before_anything_is_delivered",
                "test_store_delivery.py::test_a_failure_between_links_leaves_what_is_linked",
            ),
            _promise(
                "`DELE` counts after `QUIT` alone: what its `+OK` says is removed stays removed,"
                " and a session that ends otherwise removes nothing.",
                "faults/test_killed.py::test_nothing_acknowledged_is_lost",
                "test_strace.py::test_ok_to_quit_is_sent_when_everything_is_removed",
                "test_strace.py::test_nothing_is_removed_before_quit",
                "test_cut_off.py::test_a_session_that_ends_in_the_middle_of_retr_removes_nothing",
            ),
            _promise(
                "Nobody ever sees half a message, and what a crash leaves is in nobody's way.",
                "faults/test_killed.py::test_it_starts_on_what_a_kill_left",
                "test_store_spool.py::test_the_sweep_takes_what_crashes_have_left",
                "test_store_listing.py::test_the_sweep_takes_what_was_left_in_tmp",
            ),
            _promise(
                "The unique-id of a message never changes and is never another's, whatever the"
                " clock of the machine does.",
                "faults/test_clock.py::test_a_clock_that_jumps",
                "test_store_listing.py::test_a_unique_id_lasts_when_the_file_moves_and_gets_flags",
            ),
            _promise(
                "A stop finishes what is at its final dot, tells the others, and is over within"
                " seconds; a start binds at once and trips over nothing old.",
                "faults/test_stopping.py::test_a_stop_in_the_middle_of_everything",
                "faults/test_stopping.py::test_restarts_under_load",
                "faults/test_stopping.py::test_the_ports_are_free_at_once",
                "faults/test_stopping.py::test_a_stale_pid_file",
                "faults/test_stopping.py::test_a_stale_lock_and_a_stale_socket",
                "faults/test_stopping.py::test_one_server_a_site",
            ),
            _promise(
                "A reset or a restore while mail comes in loses none of it and can be undone.",
                "test_desk_storm.py::test_two_hundred_mailboxes_in_a_storm",
                "test_desk_killed.py::test_a_server_killed_in_the_middle",
                "test_desk_cut_off.py::test_killed_at_any_step_all_is_there_after_an_undo",
            ),
        ),
    ),
    Chapter(
        "Our own trouble is temporary, and one mailbox's trouble is its own",
        (
            _promise(
                "No room on the disk, no inode, a file that may not grow, no file to open: `452`"
                " for as long as it lasts, and the same sessions go on when it is over.",
                "faults/test_storage.py::test_a_full_disk",
                "faults/test_storage.py::test_files_that_may_not_grow",
                "faults/test_storage.py::test_no_more_files_to_open",
            ),
            _promise(
                "A mailbox that is broken or vanishes troubles its owner and nobody else, heals"
                " without a restart, and a link in its place leads nowhere.",
                "faults/test_mailboxes.py::test_a_broken_mailbox",
                "faults/test_mailboxes.py::test_a_folder_that_is_removed_under_a_message",
                "faults/test_mailboxes.py::test_a_mailbox_that_is_removed_under_a_reader",
                "faults/test_mailboxes.py::test_the_spool_that_is_removed_under_a_message",
            ),
            _promise(
                "With the database locked, read-only, damaged or gone, whoever is known logs in,"
                " sends and reads.",
                "faults/test_database.py::test_a_database_in_trouble",
            ),
            _promise(
                "A bug is a `451` or `-ERR [SYS/TEMP]`; the session and the server go on.",
                "test_cut_off.py::test_a_bug_in_a_verb_is_our_trouble_and_the_session_goes_on",
            ),
        ),
    ),
    Chapter(
        "Everything has a bound",
        (
            _promise(
                "Lines, messages, recipients and header fields without end cost no memory.",
                "faults/test_floods.py::test_an_endless_line_is_never_held",
                "faults/test_floods.py::test_an_endless_message_is_never_held",
                "faults/test_floods.py::test_many_recipients_cost_nothing",
                "faults/test_floods.py::test_a_message_of_many_lines_and_levels",
                "test_bounds_lists.py::test_a_list_that_a_class_does_not_read",
            ),
            _promise(
                "A peer that never reads is not read from either, and costs as little.",
                "faults/test_floods.py::test_replies_that_nobody_reads",
                "faults/test_floods.py::test_listings_that_nobody_reads",
                "faults/test_floods.py::test_messages_that_nobody_reads",
            ),
            _promise(
                "Thousands of idle sessions, and one octet at a time, delay nobody.",
                "faults/test_floods.py::test_two_thousand_idle_sessions",
                "faults/test_floods.py::test_one_octet_at_a_time",
            ),
            _promise(
                "Every limit is a setting, and past it comes one line that says which.",
                "test_bounds.py::test_a_command_line",
                "test_bounds.py::test_a_message_has_a_size",
                "test_bounds.py::test_recipients",
                "test_bounds.py::test_a_mailbox_has_room_for_so_many_messages",
                "test_bounds.py::test_a_mailbox_has_room_for_so_many_octets",
                "test_bounds.py::test_a_budget",
                "test_bounds.py::test_bad_commands_in_a_row",
                "test_bounds_sessions.py::test_sessions",
                "test_bounds_sessions.py::test_patience",
            ),
            _promise(
                "A storm of wrong passwords keeps nobody from working, and nobody is locked out.",
                "faults/test_logins.py::test_a_storm_of_wrong_passwords",
                "test_bounds_sessions.py::test_ten_failed_logins",
                "test_bounds_sessions.py::test_the_queue_of_password_checks",
            ),
        ),
    ),
    Chapter(
        "Nobody gets where they don't belong",
        (
            _promise(
                "No name that is typed is ever a path.",
                "test_isolation.py::test_no_name_is_a_path",
                "test_isolation.py::test_a_name_of_ten_thousand_characters",
            ),
            _promise(
                "No spelling of an address leaves the site; the server opens no connection and"
                " makes no bounce.",
                "test_isolation.py::test_no_spelling_relays",
                "test_isolation.py::test_the_server_speaks_to_nobody",
            ),
            _promise(
                "An unknown number and a wrong password are answered with the same words, a second"
                " after they came; a right password never waits.",
                "test_bounds_sessions.py::test_a_wrong_password_waits_a_second_and_a_right_one_does_not",
            ),
            _promise(
                "A list reaches each of its members once, and a loop ends.",
                "test_lists.py::test_crossing_lists_and_direct_recipients_give_one_copy_each",
                "test_list_loops.py::test_the_breaker_stops_a_loop_without_a_trace",
            ),
            _promise(
                "What a client types cannot add a header field, a line of the log or a file.",
                "test_isolation.py::test_a_control_character_reaches_nothing",
                "test_secrets.py::test_no_command_adds_a_header",
                "test_secrets.py::test_one_line_of_the_log_an_event_and_nothing_hidden_in_it",
            ),
            _promise(
                "Files are private whatever the umask, and a password is written nowhere.",
                "test_isolation.py::test_everything_is_private",
                "test_secrets.py::test_a_wrong_password_is_written_nowhere",
            ),
            _promise(
                "One fault, however often it strikes, is a few lines of the log a second.",
                "test_bounds.py::test_one_fault_writes_a_line_a_second",
                "test_secrets.py::test_a_flood_of_refusals_is_told_in_a_few_lines",
            ),
        ),
    ),
)

"""Finds the list expanders that are installed as Twisted plugins.

The rule it guards: somebody's broken plugin is their trouble. It is logged, and the server starts
without it; only two that claim one name are an error, since nobody knows which was meant.
"""

from collections.abc import Mapping

from twisted.logger import Logger
from twisted.plugin import getPlugins

from tpmailserver.delivery.expander import Expander, IExpander
from tpmailserver.settings import SettingsError

_log = Logger()


def expanders() -> Mapping[str, Expander]:
    """The plugins that provide IExpander, by their names."""
    found: dict[str, Expander] = {}
    for plugin in getPlugins(IExpander):
        name = getattr(plugin, "name", None)
        if not isinstance(name, str) or not name:
            _log.error("the plugin {plugin!r} has no name, so no list can have it", plugin=plugin)
        elif name in found:
            both = " and ".join(sorted(_home(each) for each in (found[name], plugin)))
            raise SettingsError(f"two plugins are called {name!r}: {both}")
        else:
            found[name] = plugin
    return found


def _home(plugin: object) -> str:
    """The class of a plugin, and the module that it is written in."""
    kind = type(plugin)
    return f"{kind.__module__}.{kind.__qualname__}"

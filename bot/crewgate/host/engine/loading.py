"""Loading targets from `module:name`."""

import importlib
import inspect
import sys
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from crewai import Crew
from crewai.flow.flow import Flow

from crewgate.host.engine.crews import CrewTarget
from crewgate.host.engine.flows import FlowTarget
from crewgate.host.engine.gate import fits, names_of
from crewgate.host.engine.hooks import guard, hold, replace_terminal
from crewgate.host.engine.servers import ask_servers
from crewgate.host.records import HostNotStarted
from crewgate.host.run import Target

log = structlog.get_logger(__name__)


def load_targets(
    specs: list[str], *, folder: Path, flow_states: Path, approve_tools: Mapping[str, Sequence[str]]
) -> dict[str, Target]:
    """Import the targets, by the name after the colon; the file `flow_states` has flows' states.

    Raises HostNotStarted.
    """
    replace_terminal()
    guarded = sorted({one for patterns in approve_tools.values() for one in patterns})
    guard(guarded)
    # Python imports from the folder, as with `python -m`, and from its `src`, where `crewai create`
    # puts a project.
    for place in (folder / "src", folder):
        if place.is_dir() and str(place) not in sys.path:
            sys.path.insert(0, str(place))
    targets: dict[str, Target] = {}
    for spec in specs:
        target = _load(spec, flow_states)
        if target.name in targets:
            raise HostNotStarted(
                f"two of them are called {target.name!r}: each is served below its name, so import"
                " one under another name in a module of yours"
            )
        targets[target.name] = target
        if isinstance(target, CrewTarget) and target.foreign and approve_tools.get(target.name):
            raise HostNotStarted(
                f"{spec}: the agent {target.foreign[0]!r} is not CrewAI's own, and uses tools where"
                " no hook is asked: --approve-tools cannot hold for it"
            )
    _check_patterns(targets, approve_tools)
    return targets


def _check_patterns(
    targets: Mapping[str, Target], approve_tools: Mapping[str, Sequence[str]]
) -> None:
    """Compare the patterns with the tools of crews; a flow's are not known before it runs.

    Raises HostNotStarted for a pattern that fits no tool, if all tools are known.
    """
    tools_of: dict[str, list[Any]] = {}
    known: set[str] = set()
    for target in targets.values():
        patterns = approve_tools.get(target.name)
        if not patterns or not isinstance(target, CrewTarget):
            continue
        found = ask_servers(target.agents)
        hold(found.silent)
        for name in found.silent:
            log.warning("server_held", target=target.name, server=name)
        for tool in found.by_url:
            if fits([tool], patterns):
                raise HostNotStarted(
                    f"{target.name}: {tool.original_tool_name!r} is a tool of an MCP server that is"
                    " given as a URL alone, which CrewAI calls up to three times: give it as"
                    " MCPServerHTTP(url=…), or leave it out of --approve-tools"
                )
        tools_of[target.name] = [*target.tools, *found.tools]
        if not found.silent and not any(getattr(one, "apps", None) for one in target.agents):
            known.add(target.name)
    for one in sorted({one for patterns in approve_tools.values() for one in patterns}):
        of = [name for name in targets if one in approve_tools.get(name, ())]
        tools = [tool for name in of for tool in tools_of.get(name, ())]
        if not of or fits(tools, [one]):
            continue
        shown = ", ".join(sorted(set[str]().union(*map(names_of, tools))))
        if known.issuperset(of):
            raise HostNotStarted(f"--approve-tools: {one!r} fits none of the tools, {shown}")
        log.warning("no_such_tool", pattern=one, tools=shown)


def _load(spec: str, flow_states: Path) -> Target:
    module, _, name = spec.partition(":")
    if not module or not name.isidentifier():
        raise HostNotStarted(f"{spec!r} is no MODULE:NAME, such as my_project.crew:crew")
    try:
        imported = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module}.".startswith(f"{missing}."):
            raise HostNotStarted(
                f"{spec}: there is no module {missing!r} in this folder, in its src, or installed"
            ) from error
        raise HostNotStarted(f"{spec}: {module} cannot be imported: {_explain(error)}") from error
    if not hasattr(imported, name):
        raise HostNotStarted(f"{spec}: {module} has no {name!r}")
    try:
        return _as_target(name, getattr(imported, name), spec, flow_states)
    except HostNotStarted:
        raise
    except (Exception, SystemExit) as error:
        raise HostNotStarted(f"{spec} cannot be built: {_explain(error)}") from error


def _as_target(name: str, found: Any, spec: str, flow_states: Path) -> Target:
    if inspect.isclass(found) and issubclass(found, Flow):
        return FlowTarget(name, found, flow_states)
    if inspect.isclass(found) and callable(getattr(found, "crew", None)):
        project: Any = found
        return CrewTarget(name, lambda: project().crew())
    makes = callable(found) and not isinstance(found, (Crew, Flow))
    match made := found() if makes else found:
        case Crew():
            # An execution fills its inputs into the crew, so each execution has a copy of it.
            return CrewTarget(name, found if makes else partial(_copy_of, found))
        case (Crew(), dict() as defaults) if makes:  # `load_crew` returns such a pair
            return CrewTarget(name, lambda: found()[0], defaults)
        case Flow():
            return FlowTarget(name, _maker_of(made), flow_states)
    verb, kind = "makes" if makes else "is", type(made).__name__
    raise HostNotStarted(f"{spec} {verb} a value of type {kind}, which is no crew and no flow")


def _copy_of(crew: Any) -> Any:
    """Return a copy of a crew, with its agents' MCP servers and apps, which CrewAI leaves out."""
    copied = crew.copy()
    pairs = [*zip(crew.agents, copied.agents, strict=True)]
    if crew.manager_agent is not None:
        pairs.append((crew.manager_agent, copied.manager_agent))
    for agent, other in pairs:
        for name in ("mcps", "apps"):
            if hasattr(agent, name):
                setattr(other, name, getattr(agent, name))
    return copied


def _explain(error: BaseException) -> str:
    """Return an error of the user's code in one line, with its place."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<")
        and frame.filename not in {__file__, importlib.__file__}
    ]
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    words = " ".join(str(error).split())
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    install = f": `pip install {missing}` in this environment" if missing else ""
    return f"{type(error).__name__}: {words}{where}{install}"


def _maker_of(flow: Any) -> Any:
    """Return the class of a flow, or its declaration if its methods are not those of its class."""
    declared = flow._definition  # noqa: SLF001  # no public way
    of_class = type(flow).flow_definition()
    return type(flow) if declared.methods == of_class.methods else _Declaration(flow, declared)


class _Declaration:
    """A declaration with the interface of a flow's class."""

    def __init__(self, flow: Any, declared: Any) -> None:
        self.__name__ = declared.name
        self._class = type(flow)
        self._declared = declared

    def __call__(self, **more: Any) -> Any:
        return self._class.from_declaration(contents=self._declared, **more)

    def from_pending(self, flow_id: str, persistence: Any) -> Any:
        """Return a flow that waits for a person, as it was when it asked."""
        return self._class.from_pending(flow_id, persistence, definition=self._declared)

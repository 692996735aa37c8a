"""The versions of crewai that fit, and the undocumented names that the host needs in crewai."""

import importlib
import re
from importlib import metadata
from typing import Final

from crewgate.host.records import HostNotStarted

OLDEST: Final = (1, 15, 30)
NEWER_MAJOR: Final = 2
_HOW: Final = "pip install '/path/to/the/copy[host]'"
_ASKING: Final = "flows could not ask people"
_REVISING: Final = "nobody could revise a task"
_WORDS: Final = "flows could not ask() people"
_HOOKS: Final = "hooks could not ask people, and let through what they were to stop"
_REPEATED: Final = "every call would read as one that may have been done already"
_MCP: Final = "calls of MCP servers could run otherwise than people approved"
_RESTART: Final = "crews could not go on after a restart"
_LESSONS: Final = "nobody could keep or drop what flows learn"
#: Modules, the names needed in each, and what would not work without these names. `engine` uses
#: all of the names, most of them only at the first pause, so the start checks that they are there.
_NEEDED: Final = (
    ("crewai.core.providers.human_input", ("set_provider",), "crews could not ask people"),
    ("crewai.agents.agent_executor:AgentExecutor", ("_invoke_loop", "_ainvoke_loop"), _REVISING),
    ("crewai.agents.agent_executor:AgentExecutor", ("_format_feedback_message",), _REVISING),
    ("crewai:Crew", ("checkpoint_kickoff_event_id", "_create_manager_agent"), _RESTART),
    ("crewai:Crew", ("_handle_crew_planning",), _RESTART),
    ("crewai:Agent", ("execute_task",), _RESTART),
    ("crewai:Task", ("execute_async", "execution_duration", "key"), _RESTART),
    ("crewai.flow.flow:Flow", ("_definition", "_execute_method", "resume_async"), _ASKING),
    ("crewai.flow.flow:Flow", ("from_pending", "pending_feedback"), _ASKING),
    ("crewai.flow.flow:Flow", ("human_feedback_history", "_skip_persistence_restore"), _ASKING),
    ("crewai.flow.flow_config:flow_config", ("hitl_provider",), _ASKING),
    ("crewai.flow.flow:Flow", ("ask", "_resolve_input_provider"), _WORDS),
    ("crewai.flow.flow_config:flow_config", ("input_provider",), _WORDS),
    ("crewai.flow.flow_context", ("current_flow_method_name",), _WORDS),
    ("crewai.flow.flow:Flow", ("memory",), _LESSONS),
    ("crewai.memory:MemoryMatch", ("record", "score"), _LESSONS),
    ("crewai.memory:MemoryRecord", ("content",), _LESSONS),
    ("crewai.memory:Memory", ("recall", "remember_many"), _LESSONS),
    ("crewai.hooks.dispatch", ("HookAborted", "register", "InterceptionPoint"), _HOOKS),
    ("crewai.hooks.dispatch", ("scoped_hooks", "get_scoped_hooks"), _HOOKS),
    ("crewai.agents.agent_executor:AgentExecutor", ("invoke", "invoke_async"), _REPEATED),
    ("crewai.agents.step_executor:StepExecutor", ("execute",), _REPEATED),
    ("crewai.tools.tool_failure", ("ToolFailure",), _HOOKS),
    ("crewai.tools.structured_tool:CrewStructuredTool", ("func", "args_schema"), _HOOKS),
    ("crewai.tools.base_tool:Tool", ("func", "run", "_run"), _HOOKS),
    ("crewai.tools.mcp_native_tool:MCPNativeTool", ("original_tool_name", "_run"), _MCP),
    ("crewai.tools.mcp_tool_wrapper", ("MCPToolWrapper",), _MCP),
    ("crewai.mcp.tool_resolver:MCPToolResolver", ("_create_transport", "resolve"), _MCP),
    ("crewai.mcp.tool_resolver:MCPToolResolver", ("_extract_server_name",), _MCP),
    ("crewai.mcp.client:MCPClient", ("call_tool_result", "_clean_tool_arguments"), _MCP),
    ("crewai.hooks.tool_hooks:ToolCallHookContext", ("request_human_input",), _HOOKS),
    ("crewai.hooks.llm_hooks:LLMCallHookContext", ("request_human_input",), _HOOKS),
    ("crewai.flow.async_feedback:PendingFeedbackContext", ("from_dict",), _ASKING),
    (
        "crewai.flow.persistence:SQLiteFlowPersistence",
        ("load_pending_feedback", "save_pending_feedback", "clear_pending_feedback"),
        _ASKING,
    ),
)


def require_crewai() -> str:
    """Return the version of crewai, without importing crewai: an import takes seconds.

    Raises HostNotStarted.
    """
    try:
        version = metadata.version("crewai")
    except metadata.PackageNotFoundError as error:
        raise HostNotStarted(
            f"crewgate host needs crewai, which is not installed in this Python: {_HOW}"
        ) from error
    check_version(version)
    return version


def check_version(version: str) -> None:
    """Raise HostNotStarted if the host does not know this version."""
    found = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    oldest = ".".join(map(str, OLDEST))
    if found < OLDEST:
        why = f"too old for crewgate host, which needs {oldest} or newer"
    elif found[0] >= NEWER_MAJOR:
        why = f"newer than crewgate host knows ({oldest} to 1.x)"
    else:
        return
    raise HostNotStarted(f"crewai {version} is {why}: {_HOW}")


def check_names(version: str) -> None:
    """Check that crewai has every name that the host needs, for crewai promises no such name.

    Raises HostNotStarted with the missing names, and what would fail without them.
    """
    for where, names, without in _NEEDED:
        for name in names:
            if not _has(where, name):
                raise HostNotStarted(
                    f"crewai {version} has no {where.replace(':', '.')}.{name}, which crewgate host"
                    f" needs: {without}. Install a version that has it, such as"
                    f" {'.'.join(map(str, OLDEST))}, or a newer crewgate"
                )


def _has(where: str, name: str) -> bool:
    module, _, owner = where.partition(":")
    try:
        found = importlib.import_module(module)
        found = getattr(found, owner) if owner else found
    except (ImportError, AttributeError):
        return False
    # `hasattr` misses fields of a pydantic model: they are no attributes of its class.
    return hasattr(found, name) or name in getattr(found, "model_fields", {})

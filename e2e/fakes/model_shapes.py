"""What a chat completion must look like to be taken, and how the real endpoint says that it is not.

Source: platform.openai.com, "Chat: create chat completion" and "Error codes". Of what is published this holds against a
request what a caller with tools can get wrong; what the fake cannot do it refuses as a model that lacks it.
"""

import re
from typing import Any

from fastapi.responses import JSONResponse, Response

PARAMETERS = frozenset(
    [
        *("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs"),
        *("max_completion_tokens", "max_tokens", "messages", "metadata", "modalities", "model", "n"),
        *("parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "reasoning_effort"),
        *("response_format", "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options"),
        *("temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options"),
    ]
)
ROLES = ("system", "assistant", "user", "function", "tool", "developer")
MOST_TOOLS = 128
MOST_NAME = 64
RETRY_AFTER = 20
"""Seconds after which a limit lets one in again."""
_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_KINDS = {dict: "an object", list: "an array", str: "a string", int: "an integer", float: "a decimal"}
_RANGES = {"temperature": (0, 2), "top_p": (0, 1), "max_tokens": (1, None), "max_completion_tokens": (1, None)}


class ModelError(Exception):
    """A request that is refused, in the published shape. ``kind``: the error's type; ``code`` may be absent."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "type": kind, "param": param, "code": code}

    def response(self) -> Response:
        """The answer to it; a limit says when to come back."""
        headers = {"Retry-After": str(RETRY_AFTER)} if self.status == 429 else None
        return JSONResponse({"error": self.body}, self.status, headers)


def failure(status: int, message: str | None = None) -> ModelError:
    """What the endpoint says where the request is not to blame: a limit, or trouble of its own."""
    if status == 429:
        text = f"Rate limit reached on requests per min (RPM). Please try again in {RETRY_AFTER}s."
        return ModelError(message or text, code="rate_limit_exceeded", status=status, kind="requests")
    text = "The server had an error while processing your request. Sorry about that!"
    return ModelError(message or text, status=status, kind="server_error")


def check(body: dict[str, Any], *, reasons: bool = False) -> None:
    """Hold a request against what is published. Raises ModelError.

    ``reasons``: what is asked is a model that thinks before it answers.
    """
    unknown = sorted(set(body) - PARAMETERS)
    if unknown:
        raise ModelError(f"Unknown parameter: '{unknown[0]}'.", param=unknown[0], code="unknown_parameter")
    _messages(_typed(body, "messages", list))
    if "tools" in body:
        _tools(_typed(body, "tools", list))
    elif "tool_choice" in body:
        text = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
        raise ModelError(text, param="tool_choice")
    if reasons:
        _reasoning(body)
    for name, (least, most) in _RANGES.items():
        if body.get(name) is not None:
            _in_range(name, body[name], least, most)
    for name, only in (("stream", False), ("n", 1)):
        if body.get(name, only) not in (only, None):
            text = f"Unsupported value: '{name}' does not support {body[name]} with this model."
            raise ModelError(text, param=name, code="unsupported_value")


def _typed(holder: dict[str, Any], name: str, kind: type, at: str = "") -> Any:
    """A member that must be there and of a type; `at` is the path of what holds it. Raises ModelError."""
    path = f"{at}.{name}" if at else name
    if name not in holder:
        raise ModelError(f"Missing required parameter: '{path}'.", param=path, code="missing_required_parameter")
    return _of(holder[name], kind, path)


def _of(value: Any, kind: type, path: str) -> Any:
    """A value, if it is of a type. Raises ModelError."""
    if not isinstance(value, kind):
        raise _mistyped(value, kind, path)
    return value


def _mistyped(value: Any, kind: type, path: str) -> ModelError:
    got = "null" if value is None else _KINDS.get(type(value), "a boolean")
    text = f"Invalid type for '{path}': expected {_KINDS[kind]}, but got {got} instead."
    return ModelError(text, param=path, code="invalid_type")


def _not_empty(items: list[Any], path: str) -> None:
    if not items:
        text = "empty array. Expected an array with minimum length 1, but got an empty array instead."
        raise ModelError(f"Invalid '{path}': {text}", param=path, code="empty_array")


def _messages(messages: list[Any]) -> None:
    _not_empty(messages, "messages")
    waiting: list[str] = []
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        role = _typed(_of(message, dict, path), "role", str, path)
        if role not in ROLES:
            supported = ", ".join(f"'{one}'" for one in ROLES)
            text = f"Invalid value: '{role}'. Supported values are: {supported}."
            raise ModelError(text, param=f"{path}.role", code="invalid_value")
        if role == "tool":
            waiting = _answered(message, waiting, index)
        elif waiting:
            raise _unanswered(waiting, index)
        if role == "assistant" and message.get("tool_calls") is not None:
            waiting = _called(_typed(message, "tool_calls", list, path), f"{path}.tool_calls")
        elif not isinstance(message.get("content"), str | list):
            text = "Invalid value for 'content': expected a string, got null."
            raise ModelError(text, param=f"messages.[{index}].content")
    if waiting:
        raise _unanswered(waiting, len(messages))


def _answered(message: dict[str, Any], waiting: list[str], index: int) -> list[str]:
    """The calls that still wait after a tool's message. Raises ModelError for one that answers none."""
    answers = _typed(message, "tool_call_id", str, f"messages[{index}]")
    if answers not in waiting:
        text = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
        raise ModelError(f"Invalid parameter: {text}", param=f"messages.[{index}].role")
    return [one for one in waiting if one != answers]


def _unanswered(waiting: list[str], index: int) -> ModelError:
    return ModelError(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(waiting)}",
        param=f"messages.[{index}].role",
    )


def _called(calls: list[Any], at: str) -> list[str]:
    """The ids of calls that an assistant's message holds. Raises ModelError."""
    _not_empty(calls, at)
    ids = []
    for index, call in enumerate(calls):
        path = f"{at}[{index}]"
        ids.append(_typed(_of(call, dict, path), "id", str, path))
        function = _function(call, path)
        _typed(function, "name", str, f"{path}.function")
        _typed(function, "arguments", str, f"{path}.function")
    return ids


def _function(holder: dict[str, Any], path: str) -> dict[str, Any]:
    """The function that a tool is, or that a call is of. Raises ModelError."""
    kind = _typed(holder, "type", str, path)
    if kind != "function":
        text = f"Invalid value: '{kind}'. Supported values are: 'function'."
        raise ModelError(text, param=f"{path}.type", code="invalid_value")
    function: dict[str, Any] = _typed(holder, "function", dict, path)
    return function


def _tools(tools: list[Any]) -> None:
    _not_empty(tools, "tools")
    if len(tools) > MOST_TOOLS:
        text = (
            f"Invalid 'tools': array too long. Expected an array with maximum length {MOST_TOOLS}, "
            f"but got an array with length {len(tools)} instead."
        )
        raise ModelError(text, param="tools", code="array_above_max_length")
    for index, tool in enumerate(tools):
        path = f"tools[{index}]"
        function = _function(_of(tool, dict, path), path)
        _named(_typed(function, "name", str, f"{path}.function"), f"{path}.function.name")
        if "parameters" in function:
            _schema(function["name"], function["parameters"], f"{path}.function.parameters")


def _named(name: str, path: str) -> None:
    if not _NAME.fullmatch(name):
        text = (
            f"Invalid '{path}': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        )
        raise ModelError(text, param=path, code="invalid_value")
    if len(name) > MOST_NAME:
        text = (
            f"Invalid '{path}': string too long. Expected a string with maximum length {MOST_NAME}, "
            f"but got a string with length {len(name)} instead."
        )
        raise ModelError(text, param=path, code="string_above_max_length")


def _schema(name: str, schema: Any, path: str) -> None:
    """Hold arguments against being an object, and what it holds against being schemas. Raises ModelError."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    held = schema.get("properties", {}) if kind == "object" else {}
    wrong = next((one for one, inner in held.items() if not isinstance(inner, dict)), None)
    text = f"In context=('properties', '{wrong}'), it is not of type 'object', 'boolean'."
    if kind != "object":
        text = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
    if kind != "object" or wrong is not None:
        text = f"Invalid schema for function '{name}': {text}"
        raise ModelError(text, param=path, code="invalid_function_parameters")


def _reasoning(body: dict[str, Any]) -> None:
    if body.get("max_tokens") is not None:
        text = "Unsupported parameter: 'max_tokens' is not supported with this model."
        raise ModelError(
            f"{text} Use 'max_completion_tokens' instead.", param="max_tokens", code="unsupported_parameter"
        )
    if body.get("temperature", 1) != 1:
        text = f"Unsupported value: 'temperature' does not support {body['temperature']} with this model."
        raise ModelError(
            f"{text} Only the default (1) value is supported.", param="temperature", code="unsupported_value"
        )


def _in_range(name: str, value: Any, least: float, most: float | None) -> None:
    whole = name.startswith("max_")
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise _mistyped(value, int if whole else float, name)
    kind = "integer" if whole else "decimal"
    if value < least:
        text = f"Invalid '{name}': {kind} below minimum value. Expected a value >= {least}, but got {value} instead."
        raise ModelError(text, param=name, code=f"{kind}_below_min_value")
    if most is not None and value > most:
        text = f"Invalid '{name}': {kind} above maximum value. Expected a value <= {most}, but got {value} instead."
        raise ModelError(text, param=name, code=f"{kind}_above_max_value")

"""Checks a request against botocore's own service model, so that what the API allows is written down only once.

boto3 checks required fields, types and minimums before it sends; patterns, maximums and enumerations are the
server's. Other clients check nothing at all. One generic walk over the model's shapes covers every operation.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from pixelpatchwork.marketplace.clock import to_millis
from pixelpatchwork.marketplace.errors import SerializationException, ValidationException

_SURROGATE = re.compile("[\ud800-\udfff]")
_INT_BITS = {"integer": 31, "long": 63}
_MAX_TIMESTAMP_S = 253_402_300_799  # the last second of the year 9999


@functools.cache
def service_model() -> ServiceModel:
    """Mechanical Turk's service model of 2017-01-17 as botocore ships it."""
    return botocore.session.Session().get_service_model("mturk", "2017-01-17")


@functools.cache
def find_operation(name: str) -> OperationModel | None:
    """The operation of that name, or None."""
    model = service_model()
    return model.operation_model(name) if name in model.operation_names else None


def read_input(operation: OperationModel, body: Mapping[str, Any]) -> dict[str, Any]:
    """The known, present members of a request; timestamps become milliseconds.

    Unknown members and nulls are left out, as AWS does. Raises SerializationException where a value has the wrong
    JSON type and ValidationException, naming every fault, where one breaks a constraint.
    """
    faults: list[str] = []
    shape = operation.input_shape
    value = _read_structure(shape, body, "", faults) if isinstance(shape, StructureShape) else {}
    if faults:
        raise ValidationException(faults)
    return value


def _read(shape: Shape, value: Any, path: str, faults: list[str]) -> Any:
    result = _READERS[shape.type_name](shape, value, path, faults)
    if shape.type_name in {"string", "integer", "long"}:
        faults.extend(
            f"Value '{result}' at '{path}' failed to satisfy constraint: {rule}"
            for rule in _broken(shape, result)
        )
    return result


def _read_structure(shape: StructureShape, value: Any, path: str, faults: list[str]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise SerializationException(f"{path or 'The body'} must be a JSON object.")
    result = {}
    for name, member in shape.members.items():
        inner = f"{path}.{_camel(name)}" if path else _camel(name)
        if value.get(name) is not None:
            result[name] = _read(member, value[name], inner, faults)
        elif name in shape.required_members:
            faults.append(f"Value null at '{inner}' failed to satisfy constraint: Member must not be null")
    return result


def _read_list(shape: ListShape, value: Any, path: str, faults: list[str]) -> list[Any]:
    if not isinstance(value, list):
        raise SerializationException(f"{path} must be a JSON array.")
    return [
        _read(shape.member, item, f"{path}.{number}.member", faults)
        for number, item in enumerate(value, start=1)
    ]


def _read_string(_shape: Shape, value: Any, path: str, _faults: list[str]) -> str:
    if not isinstance(value, str):
        raise SerializationException(f"{path} must be a string.")
    if _SURROGATE.search(value):
        raise SerializationException(f"{path} holds half of a surrogate pair, which is no character.")
    return value


def _read_integer(shape: Shape, value: Any, path: str, _faults: list[str]) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise SerializationException(f"{path} must be a whole number.")
    if not -(2 ** _INT_BITS[shape.type_name]) <= value < 2 ** _INT_BITS[shape.type_name]:
        raise SerializationException(f"{path} is too large for a {shape.type_name}.")
    return value


def _read_boolean(_shape: Shape, value: Any, path: str, _faults: list[str]) -> bool:
    if not isinstance(value, bool):
        raise SerializationException(f"{path} must be true or false.")
    return value


def _read_timestamp(_shape: Shape, value: Any, path: str, _faults: list[str]) -> int:
    """Epoch seconds, or ISO 8601 as some clients send it; to milliseconds."""
    if isinstance(value, str):
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            raise SerializationException(f"{path} is neither epoch seconds nor ISO 8601.") from None
        return to_millis(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SerializationException(f"{path} must be a time in epoch seconds.")
    if abs(value) > _MAX_TIMESTAMP_S:
        raise SerializationException(f"{path} is no time of the next eight thousand years.")
    return int(value * 1000)


_READERS: Mapping[str, Callable[[Any, Any, str, list[str]], Any]] = {
    "structure": _read_structure,
    "list": _read_list,
    "string": _read_string,
    "integer": _read_integer,
    "long": _read_integer,
    "boolean": _read_boolean,
    "timestamp": _read_timestamp,
}


def _broken(shape: Shape, value: Any) -> Iterator[str]:
    """The constraints of the model that a scalar breaks, in AWS's words."""
    rules = shape.metadata
    measured, noun = (len(value), "length") if isinstance(value, str) else (value, "value")
    if "max" in rules and measured > rules["max"]:
        yield f"Member must have {noun} less than or equal to {rules['max']}"
    if "min" in rules and measured < rules["min"]:
        yield f"Member must have {noun} greater than or equal to {rules['min']}"
    # `\Z`, because `$` would let a line feed through at the end.
    if "pattern" in rules and not _pattern(rules["pattern"]).match(value):
        yield f"Member must satisfy regular expression pattern: {rules['pattern']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(rules['enum'])}]"


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.removesuffix("$") + r"\Z")


def _camel(name: str) -> str:
    """`HITTypeId` -> `hITTypeId`: AWS lowers the first letter only."""
    return name[:1].lower() + name[1:]

"""XML that strangers send: parsed without entities and document types, which can cost more than they weigh."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

import defusedxml
import defusedxml.ElementTree

from pixelpatchwork.marketplace.errors import ParameterValidationError, xml_error

MAX_DOCUMENT_BYTES = 65_535
SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"


def parse_document(text: str) -> Element:
    """The root of a document. Raises RequestError `XMLParseError`."""
    try:
        root = defusedxml.ElementTree.fromstring(text, forbid_dtd=True)
    except ParseError as error:
        raise xml_error(str(error)) from error
    except (defusedxml.DefusedXmlException, ValueError) as error:
        raise xml_error("Document types, entities and encodings are not allowed.") from error
    return root


def check_size(parameter: str, text: str) -> None:
    """Raises ParameterValidationError where a document has more than 65,535 bytes in UTF-8."""
    size = len(text.encode())
    if size > MAX_DOCUMENT_BYTES:
        why = f"It has {size} bytes; at most {MAX_DOCUMENT_BYTES} are allowed."
        raise ParameterValidationError(parameter, text, why)


def split_name(tag: str) -> tuple[str, str]:
    """(namespace, local name) of an element's tag."""
    namespace, closed, name = tag.rpartition("}")
    return (namespace.removeprefix("{"), name) if closed else ("", tag)

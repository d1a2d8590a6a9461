"""Reads .proto files (proto3, as this project writes them) with their comments.

Of Python's standard library alone, because protoc's descriptors would take
python3-protobuf to read. What it does not know is an error that names the
place, not something to skip: a reference must not lose a field.
"""
import dataclasses
import pathlib
import re

_TOKEN = re.compile(r"""
    (?P<space>[ \t\r\n]+)
  | //(?P<comment>[^\n]*)
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<word>[A-Za-z_.][A-Za-z0-9_.]*)
  | (?P<number>-?[0-9][0-9a-fA-Fx]*)
  | (?P<mark>[{}()<>\[\]=;,])
""", re.VERBOSE)


class ProtoError(Exception):
    """What is wrong, as file:line: what."""


@dataclasses.dataclass
class Element:
    """Anything with a name and a comment; `comment` is a list of lines."""
    name: str
    comment: list
    place: str


@dataclasses.dataclass
class Field(Element):
    type: str
    label: str  # "", "optional", "repeated" or "map"
    json_name: str
    oneof: str = ""
    key_type: str = ""


@dataclasses.dataclass
class EnumValue(Element):
    number: int


@dataclasses.dataclass
class Enum(Element):
    values: list


@dataclasses.dataclass
class Message(Element):
    """`full_name` has the names of the messages around it: A.B."""
    full_name: str
    fields: list
    messages: list
    enums: list
    # By name, the comments of oneofs.
    oneofs: dict


@dataclasses.dataclass
class Rpc(Element):
    request: str
    response: str


@dataclasses.dataclass
class Service(Element):
    rpcs: list


@dataclasses.dataclass
class ProtoFile:
    path: str
    comment: list
    messages: list
    enums: list
    services: list


@dataclasses.dataclass
class _Token:
    text: str
    line: int
    # The comment right above, without a blank line between; [] for none.
    comment: list


def _camel(name):
    """protoc's default JSON name."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


class _Parser:
    def __init__(self, text, path):
        self._path = path
        self._file_comment = []
        self._tokens = list(self._tokenize(text))
        self._next = 0

    def _error(self, what, line=None):
        if line is None:
            last = min(self._next, len(self._tokens) - 1)
            line = self._tokens[last].line if self._tokens else 1
        return ProtoError(f"{self._path}:{line}: {what}")

    def _tokenize(self, text):
        line, at = 1, 0
        comment, comment_end, code_line = [], 0, 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._error(f"unexpected {text[at]!r}", line)
            if match["comment"] is not None:
                if code_line == line:
                    raise self._error(
                        "a comment beside code; put it above the field", line)
                if comment_end != line - 1:
                    comment = []
                comment.append(re.sub("^ ", "", match["comment"].rstrip()))
                comment_end = line
                if not code_line:
                    self._file_comment = comment
            elif match["space"] is None:
                if comment_end != line - 1:
                    comment = []
                yield _Token(match[0], line, comment)
                comment, code_line = [], line
            line += match[0].count("\n")
            at = match.end()

    def _peek(self):
        if self._next == len(self._tokens):
            raise self._error("the file ends here, unexpectedly")
        return self._tokens[self._next]

    def _take(self, expected=None):
        token = self._peek()
        if expected is not None and token.text != expected:
            raise self._error(f"expected {expected}, found {token.text}")
        self._next += 1
        return token

    def _take_if(self, text):
        if self._peek().text != text:
            return False
        self._next += 1
        return True

    def _skip_statement(self):
        while self._take().text != ";":
            pass

    def _place(self, token):
        return f"{self._path}:{token.line}"

    def parse(self):
        file = ProtoFile(self._path, self._file_comment, [], [], [])
        while self._next < len(self._tokens):
            token = self._peek()
            if token.text in ("syntax", "package", "import", "option"):
                self._skip_statement()
            elif token.text == "message":
                file.messages.append(self._message(""))
            elif token.text == "enum":
                file.enums.append(self._enum())
            elif token.text == "service":
                file.services.append(self._service())
            else:
                raise self._error(f"unexpected {token.text}")
        return file

    def _message(self, outer):
        start = self._take("message")
        name = self._take().text
        message = Message(name, start.comment, self._place(start),
                          f"{outer}.{name}" if outer else name, [], [], [], {})
        self._take("{")
        while not self._take_if("}"):
            text = self._peek().text
            if text == "message":
                message.messages.append(self._message(message.full_name))
            elif text == "enum":
                message.enums.append(self._enum())
            elif text == "oneof":
                self._oneof(message)
            elif text in ("reserved", "option"):
                self._skip_statement()
            else:
                message.fields.append(self._field())
        return message

    def _oneof(self, message):
        start = self._take("oneof")
        name = self._take().text
        message.oneofs[name] = start.comment
        self._take("{")
        while not self._take_if("}"):
            field = self._field()
            field.oneof = name
            message.fields.append(field)

    def _field(self):
        start = self._peek()
        label, key_type = "", ""
        if start.text in ("optional", "repeated", "map"):
            label = self._take().text
        if label == "map":
            self._take("<")
            key_type = self._take().text
            self._take(",")
            kind = self._take().text
            self._take(">")
        else:
            kind = self._take().text
        name = self._take().text
        self._take("=")
        self._take()
        json_name = self._json_name() or _camel(name)
        self._take(";")
        return Field(name, start.comment, self._place(start), kind, label,
                     json_name, "", key_type)

    def _json_name(self):
        """Takes the options of a field; what json_name is, or ""."""
        name = ""
        if not self._take_if("["):
            return name
        while not self._take_if("]"):
            option = self._take().text
            self._take("=")
            value = self._take().text
            if option == "json_name":
                name = value.strip('"')
            self._take_if(",")
        return name

    def _enum(self):
        start = self._take("enum")
        enum = Enum(self._take().text, start.comment, self._place(start), [])
        self._take("{")
        while not self._take_if("}"):
            value = self._take()
            self._take("=")
            number = int(self._take().text)
            self._take(";")
            enum.values.append(EnumValue(value.text, value.comment,
                                         self._place(value), number))
        return enum

    def _service(self):
        start = self._take("service")
        service = Service(self._take().text, start.comment,
                          self._place(start), [])
        self._take("{")
        while not self._take_if("}"):
            rpc = self._take("rpc")
            name = self._take().text
            request = self._rpc_type()
            self._take("returns")
            response = self._rpc_type()
            self._take(";")
            service.rpcs.append(Rpc(name, rpc.comment, self._place(rpc),
                                    request, response))
        return service

    def _rpc_type(self):
        self._take("(")
        stream = "stream " if self._take_if("stream") else ""
        name = self._take().text
        self._take(")")
        return stream + name


def parse(text, path):
    """The ProtoFile of a file's text; `path` is for messages."""
    return _Parser(text, path).parse()


def read(root, path):
    return parse((pathlib.Path(root) / path).read_text(encoding="utf-8"), path)


def all_messages(messages):
    """With those that are declared within others."""
    for message in messages:
        yield message
        yield from all_messages(message.messages)


def all_enums(file):
    """Pairs of an enum's full name and the enum."""
    for enum in file.enums:
        yield enum.name, enum
    for message in all_messages(file.messages):
        for enum in message.enums:
            yield f"{message.full_name}.{enum.name}", enum

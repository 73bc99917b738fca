"""Checks requests to AWS against AWS's own service models, which botocore ships as data.

A violation names member, shape and limit, and never a value. The models hold types, required
members, lengths, ranges, patterns and enumerations; botocore.validate checks the first three only.
"""

import base64
import binascii
import functools
import json
import urllib.parse

import botocore.loaders
import botocore.model
import regex

# The name in a signature's scope, where botocore names the service otherwise.
SERVICES = {"states": "stepfunctions", "monitoring": "cloudwatch"}
NUMBERS = {"integer": int, "long": int, "float": (int, float), "double": (int, float)}
# Headers of the protocol and of the signature, which no operation declares.
COMMON = {
    "x-amz-content-sha256", "x-amz-date", "x-amz-decoded-content-length", "x-amz-security-token",
    "x-amz-target", "x-amz-te", "x-amz-trailer", "x-amz-user-agent", "x-amzn-trace-id",
}  # fmt: skip


class Request:
    """An HTTP request: method, path, query, headers by lower-case name, body."""

    def __init__(self, method, target, headers, body=b""):
        self.method, self.headers, self.body = method, headers, body
        path, _, query = target.partition("?")
        self.path = path
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def credential(self):
        """The access key and the service in the signature's scope; two empty texts if unsigned."""
        header = self.headers.get("authorization", "")
        found = regex.search(r"Credential=([^, ]+)", header)
        scope = found[1] if found else self.query.get("X-Amz-Credential", "")
        parts = scope.split("/")
        return (parts[0], parts[3]) if len(parts) == 5 else ("", "")


@functools.cache
def model_of(service):
    """The service's model, or nothing if botocore has none."""
    loader = botocore.loaders.Loader()
    name = SERVICES.get(service, service)
    if name not in loader.list_available_services("service-2"):
        return None
    return botocore.model.ServiceModel(loader.load_service_model(name, "service-2"), name)


def check(request):
    """The operation of a request, and its violations, each a text."""
    _, service = request.credential()
    if not service:
        return "unsigned", ["the request: no signature; every request to AWS needs one"]
    model = model_of(service)
    if model is None:
        return service, [f"the request: botocore has no model of {service}"]
    found = []
    protocol = model.metadata["protocol"]
    reader = {"json": read_json, "query": read_form, "rest-xml": read_rest}.get(protocol)
    if reader is None:
        return service, [f"the request: the protocol {protocol} is not checked; add it to models.py"]
    operation, parameters = reader(request, model, found)
    if operation is None:
        return f"{model.service_name}.?", found
    if operation.input_shape is not None and parameters is not None:
        walk(parameters, operation.input_shape, "", found)
    return f"{model.service_name}.{operation.name}", found


def operation_of(model, name, found):
    if name in model.operation_names:
        return model.operation_model(name)
    found.append("the request: it names no operation of the service")
    return None


def read_json(request, model, found):
    """The JSON protocol: the operation in a header, the parameters in the body."""
    prefix, _, name = request.headers.get("x-amz-target", "").rpartition(".")
    if prefix != model.metadata["targetPrefix"]:
        found.append(f"X-Amz-Target: another service; right: {model.metadata['targetPrefix']}.NAME")
    operation = operation_of(model, name, found)
    version = model.metadata["jsonVersion"]
    if request.headers.get("content-type") != f"application/x-amz-json-{version}":
        found.append(f"Content-Type: another type; right: application/x-amz-json-{version}")
    try:
        return operation, json.loads(request.body or b"{}")
    except ValueError:
        found.append("the body: it is not JSON")
        return operation, None


def read_form(request, model, found):
    """The query protocol: a form in the body, with lists and structures as dotted names."""
    form = dict(urllib.parse.parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    operation = operation_of(model, form.pop("Action", ""), found)
    if form.pop("Version", "") != model.metadata["apiVersion"]:
        found.append(f"Version: another one; right: {model.metadata['apiVersion']}")
    if operation is None:
        return None, None
    tree = {}
    for name, value in form.items():
        *above, last = name.split(".")
        place = tree
        for part in above:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                found.append("the body: a name is both a value and a structure")
                return operation, None
        place[last] = value
    return operation, from_form(tree, operation.input_shape)


def from_form(value, shape):
    """The value of a form in the types of the shape; what does not fit stays for the walker."""
    if shape is None:
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        return {
            names.get(name, name): from_form(one, shape.members.get(names.get(name, name)))
            for name, one in value.items()
        }
    if shape.type_name == "list" and isinstance(value, dict):
        items = value if shape.serialization.get("flattened") else value.get("member", {})
        return [from_form(items[number], shape.member) for number in sorted(items, key=int)]
    if shape.type_name == "map" and isinstance(value, dict):
        entries = value if shape.serialization.get("flattened") else value.get("entry", {})
        return {one.get("key", ""): from_form(one.get("value", ""), shape.value) for one in entries.values()}
    return from_text(value, shape)


def from_text(text, shape):
    """A text of a header, a query or a form in the type of the shape, if it reads so."""
    try:
        if shape.type_name in ("integer", "long"):
            return int(text)
        if shape.type_name in ("float", "double"):
            return float(text)
    except (TypeError, ValueError):
        return text
    if shape.type_name == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def read_rest(request, model, found):
    """REST with XML, which is S3: the operation by method, path and query."""
    bucket, _, key = request.path.lstrip("/").partition("/")
    place = {"Bucket": urllib.parse.unquote(bucket), "Key": urllib.parse.unquote(key)}
    place = {name: value for name, value in place.items() if value}
    operation = rest_operation(request, model, place)
    if operation is None:
        found.append("the request: no operation has this method, path and query")
        return None, None
    parameters, known = {}, {"x-id", *(name for name, _ in literals(operation))}
    for name, shape in operation.input_shape.members.items():
        location, wire = shape.serialization.get("location"), shape.serialization.get("name", name)
        known.add(wire.lower())
        source = {"uri": place, "querystring": request.query, "header": request.headers}.get(location, {})
        wire = wire.lower() if location == "header" else wire
        if wire in source:
            parameters[name] = from_text(source[wire], shape)
    payload = operation.input_shape.serialization.get("payload")
    if payload and request.body:
        if operation.input_shape.members[payload].type_name != "blob":
            found.append(f"{payload}: a body of XML is not checked; add it to models.py")
        parameters[payload] = request.body
    known = {name.lower() for name in known}
    sent = [name for name in request.headers if name.startswith("x-amz-") and name not in COMMON]
    sent += [name for name in request.query if not name.startswith("X-Amz-")]
    found += [f"{name}: the operation has no such member" for name in sent if name.lower() not in known
              and not name.startswith("x-amz-meta-")]  # fmt: skip
    return operation, parameters


def literals(operation):
    """The names and values that the operation's own URI has in its query."""
    return urllib.parse.parse_qsl(operation.http["requestUri"].partition("?")[2], keep_blank_values=True)


@functools.cache
def rest_operations(model):
    return [model.operation_model(name) for name in model.operation_names]


def rest_operation(request, model, place):
    """The operation whose URI and required members fit the request best."""
    best, most = None, -1
    for operation in rest_operations(model):
        uri = operation.http["requestUri"].partition("?")[0]
        in_path = {name for name in ("Bucket", "Key") if f"{{{name}" in uri}
        if operation.http["method"] != request.method or in_path != set(place):
            continue
        wanted = literals(operation)
        if any(request.query.get(name) != value for name, value in wanted):
            continue
        required = [operation.input_shape.members[name].serialization for name in operation.input_shape.required_members]
        queries = [one["name"] for one in required if one.get("location") == "querystring"]
        headers = [one["name"].lower() for one in required if one.get("location") == "header"]
        if not set(queries) <= set(request.query) or not set(headers) <= set(request.headers):
            continue
        count = len(wanted) + len(queries) + len(headers)
        if count > most:
            best, most = operation, count
    return best


def walk(value, shape, path, found):
    """Adds the violations of a value and of all that it contains."""
    kind = shape.type_name
    if kind == "structure":
        structure(value, shape, path, found)
    elif kind == "map":
        if typed(value, dict, "a map", path, found):
            bounded(len(value), shape, "entries", path, found)
            for key, one in value.items():
                walk(key, shape.key, f"{path}{{key}}", found)
                walk(one, shape.value, f"{path}{{}}", found)
    elif kind == "list":
        if typed(value, list, "a list", path, found):
            bounded(len(value), shape, "items", path, found)
            for one in value:
                walk(one, shape.member, f"{path}[]", found)
    elif kind == "string":
        if typed(value, str, "a text", path, found):
            text(value, shape, path, found)
    elif kind == "blob":
        blob(value, shape, path, found)
    elif kind in NUMBERS:
        if typed(value, NUMBERS[kind], f"a number ({kind})", path, found):
            bounded(value, shape, "", path, found)
    elif kind == "boolean":
        typed(value, bool, "true or false", path, found)
    elif kind == "timestamp":
        typed(value, (int, float, str), "a time", path, found)


def structure(value, shape, path, found):
    if shape.is_document_type or not typed(value, dict, "a structure", path, found):
        return
    for name in shape.required_members:
        if name not in value:
            found.append(f"{member(path, name)}: missing; it is required")
    if shape.is_tagged_union and len(value) != 1:
        found.append(f"{path or 'the input'}: {len(value)} members; right: exactly one")
    for name, one in value.items():
        if name in shape.members:
            walk(one, shape.members[name], member(path, name), found)
        else:
            # The name may be data of the caller.
            found.append(f"{path or 'the input'}: an unknown member; right: {', '.join(list(shape.members)[:20])}")


def member(path, name):
    return f"{path}.{name}" if path else name


def typed(value, types, right, path, found):
    """Whether a value has one of the types; a violation otherwise."""
    fits = isinstance(value, types) and (types is bool or not isinstance(value, bool))
    if not fits:
        found.append(f"{path or 'the input'}: a value of another type ({type(value).__name__}); right: {right}")
    return fits


def bounded(count, shape, unit, path, found):
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and count < low) or (high is not None and count > high):
        # A number is its value, which is not shown.
        is_what = f"{count} {unit}" if unit else "a number out of range"
        right = " to ".join(str(bound) for bound in (low, high) if bound is not None)
        least = "" if low is not None and high is not None else "at least " if high is None else "at most "
        found.append(f"{path}: {is_what}; right: {least}{right}")


def text(value, shape, path, found):
    bounded(len(value), shape, "characters", path, found)
    if shape.enum and value not in shape.enum:
        found.append(f"{path}: no value of the enumeration; right: {', '.join(shape.enum)}")
    pattern = shape.metadata.get("pattern")
    readable = compiled(pattern) if pattern else None
    if readable and not readable.fullmatch(value):
        found.append(f"{path}: a text of {len(value)} characters outside the pattern; right: {pattern}")


def blob(value, shape, path, found):
    """A blob: bytes, or their base64 in JSON."""
    if isinstance(value, str):
        try:
            value = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            found.append(f"{path}: a text that is not base64; right: base64")
            return
    if typed(value, bytes, "bytes in base64", path, found):
        bounded(len(value), shape, "bytes", path, found)


@functools.cache
def compiled(pattern):
    """A pattern of a model, or nothing: DynamoDB has one that only Java can read."""
    try:
        return regex.compile(pattern, regex.V0)
    except regex.error:
        return None

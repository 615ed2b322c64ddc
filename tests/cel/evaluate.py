"""Compiles and evaluates conditions with CEL's implementation in C++, whose types are the API server's.

Questions and answers are those of main.go, without a version and without costs. `request` is declared with the fields
that kube-apiserver declares; `object` and `oldObject` may be anything.
"""

import functools
import json
import sys

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

FIELD = descriptor_pb2.FieldDescriptorProto
# Message to its fields: a name, a type, and whether it is a list.
MESSAGES = {
    "Kind": [(name, "string", False) for name in ("group", "version", "kind")],
    "Resource": [(name, "string", False) for name in ("group", "version", "resource")],
    "UserInfo": [("username", "string", False), ("uid", "string", False), ("groups", "string", True)],
    "Request": [
        ("kind", "Kind", False),
        ("resource", "Resource", False),
        ("subResource", "string", False),
        ("requestKind", "Kind", False),
        ("requestResource", "Resource", False),
        ("requestSubResource", "string", False),
        ("name", "string", False),
        ("namespace", "string", False),
        ("operation", "string", False),
        ("userInfo", "UserInfo", False),
        ("dryRun", "bool", False),
    ],
}
SCALARS = {"string": FIELD.TYPE_STRING, "bool": FIELD.TYPE_BOOL}


def declared():
    file = descriptor_pb2.FileDescriptorProto(name="request.proto", package="admission", syntax="proto3")
    for message, fields in MESSAGES.items():
        written = file.message_type.add(name=message)
        for number, (name, kind, is_list) in enumerate(fields, start=1):
            label = FIELD.LABEL_REPEATED if is_list else FIELD.LABEL_OPTIONAL
            field = written.field.add(name=name, json_name=name, number=number, label=label)
            if kind in SCALARS:
                field.type = SCALARS[kind]
            else:
                field.type, field.type_name = FIELD.TYPE_MESSAGE, f".admission.{kind}"
    pool = descriptor_pool.Default()
    pool.Add(file)
    return pool


POOL = declared()
REQUEST = message_factory.GetMessageClass(POOL.FindMessageTypeByName("admission.Request"))
ENVIRONMENT = cel.NewEnv(
    descriptor_pool=POOL,
    extensions=[ext_strings.ExtStrings()],
    variables={"request": cel.Type("admission.Request"), "object": cel.Type.DYN, "oldObject": cel.Type.DYN},
)


def evaluated(expression, request):
    sent = json_format.ParseDict(request, REQUEST(), ignore_unknown_fields=True)
    data = {"request": sent, "object": request["object"], "oldObject": request.get("oldObject")}
    try:
        value = expression.eval(data=data)
    except Exception as error:  # The package's own errors share no class.
        return {"error": str(error)}
    if value.type() == cel.Type.ERROR:
        return {"error": str(value.value())}
    return {"value": value.plain_value()}


@functools.cache
def compiled(expression):
    return ENVIRONMENT.compile(expression)


def answered(question):
    try:
        expression = compiled(question["expression"])
    except Exception as error:
        return {"error": str(error)}
    results = [evaluated(expression, request) for request in question.get("requests", [])]
    return {"type": expression.return_type().name().lower(), "results": results}


for line in sys.stdin:
    print(json.dumps(answered(json.loads(line))), flush=True)

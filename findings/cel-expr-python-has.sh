#!/usr/bin/env bash
# cel-expr-python 0.1.3 (CEL's implementation in C++): `has` of a variable with dots in its name is no Boolean.
#
# Guess:   with the variable `request.userInfo.groups` declared as a list of strings, `has(request.userInfo.groups)` is a
#          Boolean, as it is for a field of a message or a map: has is a test of presence.
# Found:   the expression compiles, and its type is the variable's own, list<string>. So `has(…) && true` does not compile
#          ("no matching overload for '_&&_' applied to '(list(string), bool)'"), while an API server takes it. Declared as
#          a field of a protobuf message, the same text is a Boolean.
# Matters: a checker that declares the fields of `request` as variables with dots refuses conditions of webhooks that
#          kube-apiserver takes. tests/cel/evaluate.py declares a message.
# Seen:    2026-11-30, cel-expr-python 0.1.3 and protobuf 7.35.1 from PyPI, Python 3.11. Output: see `expected` below.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check cel-expr-python==0.1.3 protobuf==7.35.1

cat >"$folder/seen.py" <<'PYTHON'
from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool

FIELD = descriptor_pb2.FieldDescriptorProto
file = descriptor_pb2.FileDescriptorProto(name="user.proto", package="test", syntax="proto3")
file.message_type.add(name="User").field.add(
    name="groups", number=1, label=FIELD.LABEL_REPEATED, type=FIELD.TYPE_STRING
)
pool = descriptor_pool.Default()
pool.Add(file)
dotted = cel.NewEnv(variables={"user.groups": cel.Type.List(cel.Type.STRING)})
message = cel.NewEnv(descriptor_pool=pool, variables={"user": cel.Type("test.User")})
for name, environment in (("dotted", dotted), ("message", message)):
    for expression in ("has(user.groups)", "has(user.groups) && true"):
        try:
            told = environment.compile(expression).return_type().name()
        except Exception as error:
            told = str(error).splitlines()[0].split("found ")[-1]
        print(f"{name}: {expression}: {told}")
PYTHON

expected="dotted: has(user.groups): LIST<STRING>
dotted: has(user.groups) && true: no matching overload for '_&&_' applied to '(list(string), bool)'
message: has(user.groups): BOOL
message: has(user.groups) && true: BOOL"
seen=$("$folder/python/bin/python" "$folder/seen.py")
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }

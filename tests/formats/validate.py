"""Validates reports by the published schemas: validate.py FOLDER FILE... Prints what is wrong, and exits with 1 if something is."""

import json
import sys

import jsonschema
from lxml import etree


def of_sarif(folder, file):
    with open(folder + "/sarif.json", encoding="utf-8") as text:
        schema = json.load(text)
    with open(file, encoding="utf-8") as text:
        log = json.load(text)
    validator = jsonschema.validators.validator_for(schema)
    checked = validator(schema, format_checker=validator.FORMAT_CHECKER)
    for error in checked.iter_errors(log):
        yield "/".join(str(it) for it in error.path) + ": " + error.message[:300]


def of_junit(folder, file):
    schema = etree.XMLSchema(etree.parse(folder + "/junit.xsd"))
    document = etree.parse(file, etree.XMLParser(huge_tree=True))
    if not schema.validate(document):
        for error in schema.error_log:
            yield f"line {error.line}: {error.message}"
    # Of test cases with the same names, GitLab shows the first.
    seen = set()
    for case in document.iter("testcase"):
        names = case.get("classname"), case.get("name")
        if names in seen:
            yield f"line {case.sourceline}: {names} is there twice"
        seen.add(names)


def main(folder, files):
    wrong = 0
    for file in files:
        for error in of_junit(folder, file) if file.endswith(".xml") else of_sarif(folder, file):
            wrong += 1
            if wrong <= 10:
                print(f"{file}: {error}")
    sys.exit(1 if wrong else 0)


main(sys.argv[1], sys.argv[2:])

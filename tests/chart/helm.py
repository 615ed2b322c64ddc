"""Lints, renders, installs, upgrades and removes the chart with Helm's engine; what it is to do is JSON on its input."""

import json
import sys

import helm_python as helm

job = json.load(sys.stdin)
chart = job["chart"]
values = job.get("values", {})
if job["do"] == "render":
    with helm.Chart.load(chart) as loaded:
        done = loaded.render(values, name="tiller-guard", namespace=job["namespace"])
elif job["do"] == "lint":
    done = helm.lint(chart, values, strict=True, namespace=job["namespace"])
elif job["do"] in ("install", "upgrade", "uninstall"):
    with helm.Config(kubeconfig_path=job["kubeconfig"], namespace=job["namespace"]) as config:
        if job["do"] == "install":
            done = config.install(chart, "tiller-guard", values, create_namespace=True)
        elif job["do"] == "upgrade":
            reuse = job.get("reuse_values", False)
            done = config.upgrade(chart, "tiller-guard", values, reuse_values=reuse)
        else:
            done = config.uninstall("tiller-guard")
else:
    raise SystemExit(f"unknown: {job['do']}")
json.dump(done, sys.stdout, default=str)

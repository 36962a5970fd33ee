"""Checks what no schema tells of the manifests: that names lead somewhere, and that the program takes its settings.

    kubernetes.py MANIFESTS TOKENHOUSE SECRETS

MANIFESTS is what `kubectl kustomize` makes; SECRETS the folder of the files that stand in for the operator's.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

manifests, tokenhouse, secrets = sys.argv[1:]
documents = [document for document in yaml.safe_load_all(Path(manifests).read_text()) if document]
by_name = {(document["kind"], document["metadata"]["name"]): document for document in documents}

# Which objects a volume may be, and how it names them.
MOUNTED = {
    "configMap": ("ConfigMap", "name"),
    "secret": ("Secret", "secretName"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
}


def check(condition, text):
    if not condition:
        raise SystemExit(f"tests/deployment/run: not so: {text}")
    print(f"ok   {text}")


def selects(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


deployments = {name: document["spec"] for (kind, name), document in by_name.items() if kind == "Deployment"}
pods = {name: spec["template"] for name, spec in deployments.items()}
check(sorted(pods) == ["issuer", "resource-api"] and deployments["issuer"]["replicas"] >= 2, "two issuers at least, and the resource API")

for name, pod in pods.items():
    spec = pod["spec"]
    [container] = spec["containers"]
    rights = container["securityContext"]
    check(
        spec["securityContext"]["runAsNonRoot"]
        and spec["securityContext"]["runAsUser"] == 10001
        and spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        and rights["readOnlyRootFilesystem"]
        and not rights["allowPrivilegeEscalation"]
        and rights["capabilities"] == {"drop": ["ALL"]}
        and not spec["automountServiceAccountToken"],
        f"{name}: not root, read-only, without rights",
    )
    check(set(container["resources"]["limits"]) == {"cpu", "memory"}, f"{name}: CPU and memory are limited")
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    probes = [container[probe] for probe in container if probe.endswith("Probe")]
    asked = [(probe.get("httpGet") or probe["tcpSocket"])["port"] for probe in probes]
    check(len(probes) >= 2 and set(asked) <= set(ports), f"{name}: its probes ask ports that it has")
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    check(mounted == {volume["name"] for volume in spec["volumes"]}, f"{name}: each volume is mounted")
    for volume in spec["volumes"]:
        for key, (kind, field) in MOUNTED.items():
            if key in volume and (kind, volume[key][field]) not in by_name:
                raise SystemExit(f"tests/deployment/run: {name} mounts what is not there: {volume}")

for (kind, name), document in by_name.items():
    spec = document.get("spec", {})
    if kind == "Service":
        selector, ports = spec["selector"], [port["targetPort"] for port in spec["ports"]]
    elif kind == "PodDisruptionBudget":
        selector, ports = spec["selector"]["matchLabels"], []
    elif kind == "NetworkPolicy":
        selector = spec["podSelector"]["matchLabels"]
        ports = [port["port"] for rule in spec["ingress"] for port in rule["ports"]]
    else:
        continue
    chosen = [pod for pod in pods.values() if selects(selector, pod["metadata"]["labels"])]
    known = [port["name"] for pod in chosen for port in pod["spec"]["containers"][0]["ports"]]
    check(len(chosen) == 1 and set(ports) <= set(known), f"{kind} {name}: chooses one deployment, and ports that it has")


def settings(name):
    """The settings that `name` reads, as a file whose other files are there."""
    [mount] = [volume for volume in pods[name]["spec"]["volumes"] if "configMap" in volume]
    [(file, text)] = by_name["ConfigMap", mount["configMap"]["name"]]["data"].items()
    path = Path(tempfile.mkdtemp(dir=Path(secrets).parent)) / file
    path.write_text(text.replace("/run/secrets/tokenhouse/", f"{secrets}/"))
    arguments = pods[name]["spec"]["containers"][0]["args"]
    check(arguments[1:] == ["--config", f"/etc/tokenhouse/{file}"], f"{name} is told the file of its settings")
    return path


environment = {"PATH": os.environ["PATH"]}
issuer = settings("issuer")
done = subprocess.run([tokenhouse, "config", "check", "--config", issuer], env=environment, capture_output=True, text=True)
sys.stderr.write(done.stderr if done.returncode else "")
check(done.returncode == 0, "the issuer takes its settings")
printed = subprocess.run([tokenhouse, "config", "print", "--config", issuer], env=environment, capture_output=True, text=True).stdout
ports = {port["name"]: port["containerPort"] for port in pods["issuer"]["spec"]["containers"][0]["ports"]}
check(f"0.0.0.0:{ports['http']}" in printed and f"0.0.0.0:{ports['metrics']}" in printed, "and listens where its pod says")

# There is no check of the resource API's settings but its start: it gets as far as its database, whose folder is not there.
resource_api = settings("resource-api")
done = subprocess.run(
    [tokenhouse, "resource-api", "--config", resource_api, "--bind", "127.0.0.1:0", "--set", "resource_api.database=/nowhere/users.db"],
    env=environment, capture_output=True, text=True, timeout=60,
)
check(done.returncode == 1 and "directory /nowhere " in done.stderr, "the resource API takes its settings")

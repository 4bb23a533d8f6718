"""Certificates that no tool of ours would issue, by OpenSSL, with the keys of a real authority."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from .processes import demand

CONFIG = """[ca]
default_ca = here
[here]
new_certs_dir = {folder}
database = {folder}/index.txt
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[extensions]
basicConstraints = CA:FALSE
keyUsage = digitalSignature
{san}
"""


@dataclass
class Authority:
    certificate: Path
    key: Path


def own_authority(folder: Path, name="stranger"):
    """One that nobody has heard of."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Authority(folder / "ca.crt", folder / "ca.key")
    demand("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
           "-subj", f"/CN={name}", "-keyout", made.key, "-out", made.certificate)
    return made


def moment(seconds_from_now):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds_from_now)
    return when.strftime("%Y%m%d%H%M%SZ")


def issue(folder: Path, authority: Authority, root: Path, san: str, begins_s=-3600, ends_s=86400):
    """A device's folder: device.crt with its issuer behind it, device.key, root.crt. `san` as OpenSSL writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "openssl.cnf"
    config.write_text(CONFIG.format(folder=folder, san=f"subjectAltName = {san}" if san else ""))
    (folder / "index.txt").write_text("")
    demand("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
           "/CN=device", "-keyout", folder / "device.key", "-out", folder / "device.csr")
    demand("openssl", "ca", "-batch", "-notext", "-config", config, "-extensions", "extensions", "-preserveDN",
           "-cert", authority.certificate, "-keyfile", authority.key, "-in", folder / "device.csr",
           "-startdate", moment(begins_s), "-enddate", moment(ends_s), "-out", folder / "leaf.crt")
    (folder / "device.crt").write_text((folder / "leaf.crt").read_text() + authority.certificate.read_text())
    (folder / "root.crt").write_text(root.read_text())
    return folder

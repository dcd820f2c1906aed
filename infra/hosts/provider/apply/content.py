"""Gets the bytes of every file into the staging folder before anything on the host changes."""

import os
import shutil
import stat
import tarfile

from host import Failure, emit, require, sha256_of


class Prepared:
    """A file's wanted digest, and where its bytes lie; `staged` is None when the host has them already."""

    def __init__(self, sha256, staged):
        self.sha256 = sha256
        self.staged = staged

    @property
    def size(self):
        return os.path.getsize(self.staged) if self.staged else 0


def prepare(plan, known, staging):
    """Returns path → Prepared. `known` is the manifest's record of the files of earlier runs."""
    downloads = Downloads(staging)
    return {file["path"]: _prepare_one(file, known.get(file["path"]), staging, downloads) for file in plan["files"]}


def refuse_invalid(changes):
    """Asks the program that a file names whether it takes the new content, before anything changes."""
    for file, entry in changes:
        if "validate" in file:
            program = [entry.staged if argument == "%s" else argument for argument in file["validate"]]
            require(program, f'{file["path"]} stays as it was: checking what was to be delivered')


def installed_digest(path):
    """The digest of a regular file under this very name, or None."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        return sha256_of(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def source_key(source):
    return {"sha256": source["sha256"], "member": source.get("member")}


def _prepare_one(file, known, staging, downloads):
    if "source" not in file:
        staged = os.path.join(staging, file["content"]["name"])
        if sha256_of(staged) != file["content"]["sha256"]:
            raise Failure(f'{file["path"]} arrived damaged on the host: deliver again')
        return Prepared(file["content"]["sha256"], staged)
    source = file["source"]
    digest = installed_digest(file["path"])
    if digest and digest == _expected_digest(source, known):
        return Prepared(digest, None)
    staged = downloads.fetch(source)
    return Prepared(sha256_of(staged), staged)


def _expected_digest(source, known):
    if not source.get("member"):
        return source["sha256"]
    return known["sha256"] if known and known.get("source") == source_key(source) else None


class Downloads:
    """Downloads each archive once a run, however many of its members are wanted."""

    def __init__(self, staging):
        self.folder = os.path.join(staging, "downloads")
        self.done = {}

    def fetch(self, source):
        archive = self.done.get(source["sha256"])
        if archive is None:
            archive = self.done[source["sha256"]] = self._download(source)
        return self._extract(archive, source) if source.get("member") else archive

    def _download(self, source):
        os.makedirs(self.folder, exist_ok=True)
        url = source["url"]
        target = os.path.join(self.folder, source["sha256"])
        emit("downloading", url=url)
        options = ["--fail", "--location", "--silent", "--show-error", "--proto", "=http,https"]
        # A server that stops sending must not hold the run for ever.
        patience = ["--connect-timeout", "20", "--speed-limit", "1", "--speed-time", "60", "--retry", "3"]
        require(["curl", *options, *patience, "--output", target, "--", url], f"downloading {url}")
        digest = sha256_of(target)
        if digest != source["sha256"]:
            raise Failure(f'{url} has the checksum {digest}, expected {source["sha256"]}: nothing was installed')
        return target

    def _extract(self, archive, source):
        member = source["member"]
        target = os.path.join(self.folder, f"member-{len(os.listdir(self.folder))}")
        try:
            with tarfile.open(archive, "r:*") as tar:
                info = next((i for i in tar if os.path.normpath(i.name) == os.path.normpath(member)), None)
                if info is None or not info.isreg():
                    names = ", ".join(n for n in tar.getnames()[:20])
                    raise Failure(f'{source["url"]} has no file {member}; it begins with {names}')
                with tar.extractfile(info) as data, open(target, "wb") as file:
                    shutil.copyfileobj(data, file)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise Failure(f'taking {member} out of {source["url"]} failed: {error}') from error
        return target

"""A folder of values files, each one a cluster."""

from __future__ import annotations

from pathlib import Path

from redisgen.findings import Finding, InvalidValues, Place, RedisgenError
from redisgen.values import Mapping, Sequence, parse


def clusters_of(folders: list[Path], shared: list[Mapping]) -> Mapping:
    """Read each `*.yaml` and `*.yml` right in the folders as an item of `clusters`; places bear the files' names.

    The order is that of the folders, then of the file names, whatever the file system says; hidden files and
    subfolders are passed over. Raises InvalidValues with all that is wrong with any file as YAML, or when the `shared`
    values list clusters, which these would silently replace; RedisgenError for a folder without values.
    """
    place = Place(str(folders[0]))
    clusters = Sequence(place)
    both = "'clusters' stands here, and a folder given with -f lists clusters, too; use one of them"
    wrong = [Finding(one.places["clusters"], "schema", both) for one in shared if "clusters" in one]
    for file in [file for folder in folders for file in _files(folder)]:
        try:
            cluster = parse(file.read_bytes(), str(file))
        except InvalidValues as error:
            wrong += error.findings
        else:
            clusters.append(cluster)
            clusters.places.append(cluster.place)
    if wrong:
        raise InvalidValues(wrong)
    values = Mapping(place)
    values.put("clusters", clusters, place)
    return values


def _files(folder: Path) -> list[Path]:
    files = [path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and not path.name.startswith(".")]
    files = sorted((path for path in files if not path.is_dir()), key=lambda path: path.name)
    if not files:
        raise RedisgenError(f"{folder}: a folder without *.yaml or *.yml files; each would be a cluster")
    return files

"""Three fixed runs of the programs in a folder, written down so that two builds can be compared.

    python tools/golden/fixed_runs.py PROGRAMS WORK PICTURES PHOTOGRAPHS NETWORK
    diff -r WORK-OF-ONE/result WORK-OF-THE-OTHER/result

PICTURES (2,000 of them, small) are trained on by v1 and v2, and both models are quantized.
200 of the PHOTOGRAPHS are clustered with NETWORK, an imported float checkpoint, and indexed by dcd
with that model. WORK/result then holds digests of all models, the metrics but for times and memory,
and a dump of the index but for ids, times, inode and device numbers.
"""

import hashlib
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time

EPOCHS, PICTURES, PHOTOGRAPHS = 3, 2000, 200


def run(*arguments):
    subprocess.run([str(a) for a in arguments], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def metrics(run_folder):
    for line in (run_folder / "metrics.jsonl").read_text().splitlines():
        epoch = json.loads(line)
        for key in ("phases", "memory"):
            epoch.pop(key, None)
        yield json.dumps(epoch, sort_keys=True)


def dump(index, root):
    """What is known of each picture, by its path below the watched folder."""
    database = sqlite3.connect(f"file:{index}?mode=ro", uri=True)
    paths = {i: bytes(p)[len(root) + 1:].decode("utf-8", "backslashreplace")
             for i, p in database.execute("SELECT id, path FROM images")}
    lines = []
    for i, *row in database.execute(
            "SELECT id, size, mtime_ns, sha256, width, height, state, error FROM images"):
        lines.append(("image", paths[i], *row))
    for i, vector in database.execute("SELECT image, vector FROM embeddings"):
        lines.append(("embedding", paths[i], vector.hex()))
    for i, *row in database.execute(
            "SELECT image, cluster, distance, second, margin FROM assignments"):
        lines.append(("assignment", paths[i], *row))
    for i, rank, other, similarity in database.execute(
            "SELECT image, rank, neighbour, similarity FROM neighbours"):
        lines.append(("neighbour", paths[i], rank, paths[other], similarity))
    for *row, centroid in database.execute("SELECT id, name, size, centroid FROM clusters"):
        lines.append(("cluster", *row, centroid.hex()))
    lines += [("model", *row) for row in database.execute("SELECT sha256, dimension FROM models")]
    tables = database.execute("SELECT sql FROM sqlite_schema WHERE sql NOTNULL")
    lines += [("schema", " ".join(sql.split())) for sql, in tables]
    database.close()
    return sorted(map(repr, lines))


def index(programs, work, model, folder):
    socket, config = work / "dcd.sock", work / "dcd.yaml"
    (work / "index.sqlite").unlink(missing_ok=True)
    config.write_text("\n".join([
        f"model: {json.dumps(str(model))}", f"index: {json.dumps(str(work / 'index.sqlite'))}",
        f"socket: {json.dumps(str(socket))}", "watch:", f"  - path: {json.dumps(str(folder))}"]))
    daemon = subprocess.Popen([programs / "dcd", "--config", config], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        for _ in range(1200):
            time.sleep(0.25)
            status = subprocess.run(
                [programs / "dcctl", "--socket", socket, "status", "--json"], capture_output=True)
            if status.returncode == 0:
                images = json.loads(status.stdout)["images"]
                if images["pending"] == 0 and images["indexed"] + images["failed"] == PHOTOGRAPHS:
                    return
        sys.exit("dcd did not index the photographs within five minutes")
    finally:
        daemon.terminate()
        daemon.wait()


def main(programs, work, pictures, photographs, network):
    programs, work = pathlib.Path(programs).resolve(), pathlib.Path(work).resolve()
    shutil.rmtree(work, ignore_errors=True)
    result = work / "result"
    result.mkdir(parents=True)
    dctrain, models = programs / "dctrain", {}
    for recipe in ("v1", "v2"):
        folder, int8 = work / recipe, work / f"{recipe}.int8.safetensors"
        run(dctrain, "fit", pictures, "--run", folder, "--recipe", recipe, "--network", "small",
            "--size", 32, "--epochs", EPOCHS, "--clusters", 20, "--max-pictures", PICTURES,
            "--threads", 2, "--seed", 5)
        run(dctrain, "quantize", folder / "model.safetensors", "--calibrate", pictures, "-o", int8,
            "--threads", 2)
        models |= {f"{recipe} float": folder / "model.safetensors", f"{recipe} int8": int8}
        (result / f"{recipe}.metrics").write_text("\n".join(metrics(folder)) + "\n")
    # A folder of its own, since dcd watches one.
    watched = work / "photographs"
    watched.mkdir()
    chosen = sorted(pathlib.Path(photographs).rglob("*.jpg"))
    for number, path in enumerate(chosen[::len(chosen) // PHOTOGRAPHS][:PHOTOGRAPHS]):
        shutil.copy2(path, watched / f"{number:03}.jpg")
    models["clusters"] = work / "clusters.safetensors"
    run(dctrain, "cluster", watched, "--model", network, "--clusters", 10, "-o", models["clusters"],
        "--threads", 2)
    index(programs, work, models["clusters"], watched)
    (result / "models").write_text("".join(f"{n}: {digest(p)}\n" for n, p in models.items()))
    (result / "index").write_text(
        "\n".join(dump(work / "index.sqlite", str(watched).encode())) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])

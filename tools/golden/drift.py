"""Measures how far an int8 network is from the float one, the float side run by PyTorch.

Needs Python 3.11 or later with torch, numpy and safetensors (CPU builds do):

    dctrain embed PICTURES --model float.safetensors -o float --pixels
    dctrain embed PICTURES --model int8.safetensors -o int8
    python tools/golden/drift.py float.safetensors float.pixels.npy int8

Both networks see the same bytes. Prints one line of JSON: the cosine between the embeddings (mean,
first percentile, worst), the share of pictures that change their cluster, and how many of the 10
nearest other pictures are the same; beside it the largest difference between PyTorch's embeddings
and those in float.npy, where that file lies beside the pixels.
"""

import argparse
import csv
import json
import pathlib

import numpy
import torch
import torch.nn.functional as F
from safetensors import safe_open


def read(path):
    """A float checkpoint's graph, input and tensors, filters as PyTorch has them."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    if metadata["precision"] != "float32":
        raise SystemExit(f"{path}: its precision is {metadata['precision']}, give the float32 one")
    for name, tensor in tensors.items():
        if tensor.dim() == 4:
            tensors[name] = tensor.permute(0, 3, 1, 2).contiguous()
    return json.loads(metadata["network"]), json.loads(metadata["input"]), tensors


def pad(x, padding, value=0.0):
    top, left, bottom, right = padding
    return F.pad(x, (left, right, top, bottom), value=value)


def average(x, layer):
    """The mean over windows, of all positions or of those inside of the map."""
    size, stride = layer["kernel"], layer["stride"]
    sums = F.avg_pool2d(pad(x, layer["padding"]), size, stride)
    if layer["counts_padding"]:
        return sums
    inside = F.avg_pool2d(pad(torch.ones_like(x[:1, :1]), layer["padding"]), size, stride)
    return sums / inside


def sobel(x):
    horizontal = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
    weight = torch.stack([horizontal, horizontal.T]).unsqueeze(1)
    return F.conv2d(x.mean(1, keepdim=True), weight, padding=1)


def flat(x):
    """Maps are flattened in H, W, C order."""
    return x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x


def layer_output(layer, inputs, tensors):
    kind, name, x = layer["kind"], layer["name"], inputs[0]
    own = {part: tensors.get(f"{name}.{part}")
           for part in ("weight", "bias", "running_mean", "running_var")}
    if kind == "convolution":
        return F.conv2d(pad(x, layer["padding"]), own["weight"], own["bias"], layer["stride"],
                        groups=layer["groups"])
    if kind == "batch_norm":
        return F.batch_norm(x, own["running_mean"], own["running_var"], own["weight"], own["bias"],
                            eps=layer["epsilon"])
    if kind == "linear":
        return F.linear(flat(x), own["weight"], own["bias"])
    if kind == "max_pool":
        return F.max_pool2d(pad(x, layer["padding"], -torch.inf), layer["kernel"], layer["stride"])
    if kind == "average_pool":
        return average(x, layer)
    if kind == "centroids":
        return torch.cdist(x, own["weight"]) ** 2
    simple = {"relu": F.relu, "relu6": F.relu6, "dropout": lambda x: x, "sobel": sobel,
              "global_average_pool": lambda x: x.mean((2, 3)), "l2_normalize": F.normalize}
    if kind == "add":
        return inputs[0] + inputs[1]
    if kind not in simple:
        raise SystemExit(f"layer '{name}' is of the unknown kind '{kind}'")
    return simple[kind](x)


def embed(network, specification, tensors, pixels, batch=32):
    """Unit vectors and clusters of pictures, [n, height, width, 3] bytes."""
    mean = torch.tensor(specification["mean"]).view(1, 3, 1, 1)
    deviation = torch.tensor(specification["standardDeviation"]).view(1, 3, 1, 1)
    vectors, clusters = [], []
    for start in range(0, len(pixels), batch):
        x = torch.from_numpy(pixels[start:start + batch].copy()).permute(0, 3, 1, 2)
        values = {"input": (x.float() / 255 - mean) / deviation}
        for layer in network["layers"]:
            values[layer["name"]] = layer_output(
                layer, [values[name] for name in layer["inputs"]], tensors)
        vectors.append(values["normalize"])
        clusters.append(values["centroids"].argmin(1))
    return torch.cat(vectors).numpy(), torch.cat(clusters).numpy()


def neighbours(vectors, count):
    similarities = vectors @ vectors.T
    numpy.fill_diagonal(similarities, -numpy.inf)
    return numpy.argsort(-similarities, axis=1, kind="stable")[:, :count]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", help="the float checkpoint")
    parser.add_argument("pixels", help="what 'dctrain embed --pixels' wrote")
    parser.add_argument("int8", help="OUT of 'dctrain embed' with the int8 checkpoint")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)

    network, specification, tensors = read(arguments.checkpoint)
    pixels = numpy.load(arguments.pixels, mmap_mode="r")
    vectors, clusters = embed(network, specification, tensors, pixels)
    int8 = numpy.load(f"{arguments.int8}.npy")
    with open(f"{arguments.int8}.tsv", newline="") as file:
        table = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not len(vectors) == len(int8) == len(table):
        raise SystemExit(f"{len(vectors)}, {len(int8)} and {len(table)} pictures: embed the same")

    cosines = numpy.sort((vectors.astype("f8") * int8).sum(1))
    count = min(10, len(int8) - 1)
    pairs = zip(neighbours(vectors, count), neighbours(int8, count))
    overlap = sum(len(set(a) & set(b)) for a, b in pairs) / (len(int8) * count)
    changed = numpy.mean([int(row["cluster"]) != own for row, own in zip(table, clusters)])
    result = {
        "pictures": len(int8), "mean_cosine": cosines.mean(),
        "first_percentile_cosine": cosines[max(0, -(-len(cosines) // 100) - 1)],
        "worst_cosine": cosines[0], "changed_clusters": changed, "neighbour_overlap": overlap,
    }
    ours = pathlib.Path(arguments.pixels.removesuffix(".pixels.npy") + ".npy")
    if ours.exists():
        result["largest_difference_to_our_float"] = float(abs(numpy.load(ours) - vectors).max())
    print(json.dumps({key: value if key == "pictures" else round(float(value), 7)
                      for key, value in result.items()}))


if __name__ == "__main__":
    main()

"""The engines that ours is measured against, by name; each is imported only where it runs."""

import importlib

PEERS = {
    "onnxruntime": ("onnx_peers", "ONNXRuntime"),
    "openvino": ("onnx_peers", "OpenVINO"),
    "pytorch": ("torch_peers", "PyTorch"),
    "pytorch-onednn": ("torch_peers", "PyTorchOneDNN"),
}


def peer(name: str):
    """The class of the engine of that name."""
    module, kind = PEERS[name]
    return getattr(importlib.import_module(module), kind)

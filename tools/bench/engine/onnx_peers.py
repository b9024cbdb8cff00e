"""ONNX Runtime and OpenVINO, both from the same ONNX model of a checkpoint."""

import collections
import os
import tempfile

import numpy
import onnx
import onnxruntime
import openvino

from checkpoint import Checkpoint
from onnx_graph import Graph


class ONNXRuntime:
    """ONNX Runtime's CPU provider on the QDQ model: u8 activations, s8 weights per channel."""

    def __init__(self, checkpoint: Checkpoint, batch: int, threads: int):
        self.version = onnxruntime.__version__
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        self.folder = tempfile.TemporaryDirectory()
        self.optimized = os.path.join(self.folder.name, "optimized.onnx")
        options.optimized_model_filepath = self.optimized
        self.session = onnxruntime.InferenceSession(
            Graph(checkpoint, batch).model().SerializeToString(), options,
            providers=["CPUExecutionProvider"])

    def prepared(self, quantized: numpy.ndarray):
        binding = self.session.io_binding()
        values = numpy.ascontiguousarray(quantized.transpose(0, 3, 1, 2))
        binding.bind_ortvalue_input("input", onnxruntime.OrtValue.ortvalue_from_numpy(values))
        binding.bind_output("output")
        return binding

    def run(self, binding):
        self.session.run_with_iobinding(binding)
        return binding.get_outputs()[0].numpy()

    def inspect(self) -> dict:
        counts = collections.Counter(n.op_type for n in onnx.load(self.optimized).graph.node)
        return {"operations": dict(counts),
                "float": [kind for kind in ("Conv", "Gemm", "MatMul", "FusedConv") if counts[kind]]}


class OpenVINO:
    """OpenVINO's CPU plugin on the QDQ model, which its low-precision passes take over.

    It gets floats and quantizes them itself: its first convolution runs in bf16 otherwise.
    """

    def __init__(self, checkpoint: Checkpoint, batch: int, threads: int):
        self.version = openvino.__version__
        self.format = checkpoint.formats["input"]
        core = openvino.Core()
        graph = Graph(checkpoint, batch, takes_floats=True)
        prepare = openvino.preprocess.PrePostProcessor(
            core.read_model(graph.model().SerializeToString()))
        # Our pictures are NHWC, and so are its int8 convolutions.
        prepare.input().tensor().set_layout(openvino.Layout("NHWC"))
        prepare.input().model().set_layout(openvino.Layout("NCHW"))
        self.compiled = core.compile_model(
            prepare.build(), "CPU",
            {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"})
        self.request = self.compiled.create_infer_request()

    def prepared(self, quantized: numpy.ndarray):
        real = (quantized.astype(numpy.float32) - self.format.zero) * numpy.float32(
            self.format.scale)
        return openvino.Tensor(numpy.ascontiguousarray(real))

    def run(self, tensor):
        self.request.set_input_tensor(tensor)
        self.request.infer()
        return self.request.get_output_tensor().data

    def inspect(self) -> dict:
        counts = collections.Counter()
        floats = []
        for node in self.compiled.get_runtime_model().get_ordered_ops():
            info = node.get_rt_info()
            kind, precision = (
                str(info[key].astype(str)) for key in ("layerType", "runtimePrecision"))
            counts[f"{kind} {precision}"] += 1
            if kind in ("Convolution", "FullyConnected", "MatMul") and "8" not in precision:
                floats.append(node.get_friendly_name())
        return {"operations": dict(counts), "float": floats}

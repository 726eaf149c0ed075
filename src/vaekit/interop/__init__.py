"""Models for other programs."""

from vaekit.interop.onnx import Exported as Exported
from vaekit.interop.onnx import Graph as Graph
from vaekit.interop.onnx import export_onnx as export_onnx

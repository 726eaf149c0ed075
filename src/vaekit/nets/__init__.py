"""Networks: Tensor to Tensor, no probability."""

from vaekit.nets.codebook import Codebook as Codebook
from vaekit.nets.conv import ConvDecoder as ConvDecoder
from vaekit.nets.conv import ConvEncoder as ConvEncoder
from vaekit.nets.gated_mlp import GatedMLP as GatedMLP
from vaekit.nets.ladder import LadderBlock as LadderBlock
from vaekit.nets.ladder import LadderEncoder as LadderEncoder
from vaekit.nets.mlp import MLP as MLP
from vaekit.nets.net import Net as Net
from vaekit.nets.quantizer import Quantizer as Quantizer
from vaekit.nets.residual_codebook import ResidualCodebook as ResidualCodebook
from vaekit.nets.resnet import ResNetDecoder as ResNetDecoder
from vaekit.nets.resnet import ResNetEncoder as ResNetEncoder
from vaekit.nets.scalar_codebook import ScalarCodebook as ScalarCodebook

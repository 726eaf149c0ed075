"""Data: every source becomes a Dataset, a Schema and three parts."""

from vaekit.data.dataset import Dataset as Dataset
from vaekit.data.dataset import Part as Part
from vaekit.data.open import open_data as open_data

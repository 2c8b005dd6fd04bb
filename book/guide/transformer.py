"""Parameter counts and cache sizes of transformer language models, from their dimensions.

Pure arithmetic: no files, no plots. Formulas follow the published implementations; each
function names its source. Counts are exact, not approximations of the form 12·L·d².
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

ATTENTIONS = ("mha", "gqa", "mqa", "mla")


@dataclass(frozen=True)
class Config:
    """Dimensions of a decoder-only transformer with gated feed-forward layers.

    Parameters
    ----------
    layers, dense_layers : int
        All layers, and those among them whose feed-forward part is dense (mixture-of-experts
        models only; a dense model may give 0).
    d_model : int
        Width of the residual stream, in elements.
    ffn_dim, moe_ffn_dim : int
        Hidden width of a dense feed-forward layer and of one expert, in elements.
    heads, kv_heads, head_dim : int
        Query heads, key and value heads, and their width in elements.
    attention : str
        ``mha``, ``gqa``, ``mqa`` or ``mla``.
    vocab_size : int
        Tokens in the vocabulary.
    routed_experts, shared_experts, active_experts : int
        Experts to choose from, experts that always run, and routed experts chosen per token.
    q_lora_rank, kv_lora_rank, qk_rope_head_dim, qk_nope_head_dim, v_head_dim : int
        Dimensions of multi-head latent attention (DeepSeek-V2 report, section 2.1); a
        ``q_lora_rank`` of 0 means that queries are not compressed.
    tied_embeddings : bool
        Whether input and output embeddings are one matrix.
    router_bias, qkv_bias : bool
        Whether the router has a bias for each expert, and the projections of queries, keys
        and values have biases.
    ffn_matrices : int
        Matrices in a feed-forward layer: 3 with a gate, 2 without (GPT-3).
    dense_residual : bool
        Whether a dense feed-forward layer runs beside the experts (Snowflake Arctic).
    """

    layers: int
    d_model: int
    heads: int
    attention: str
    vocab_size: int
    ffn_dim: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    dense_layers: int = 0
    moe_ffn_dim: int = 0
    routed_experts: int = 0
    shared_experts: int = 0
    active_experts: int = 0
    q_lora_rank: int = 0
    kv_lora_rank: int = 0
    qk_rope_head_dim: int = 0
    qk_nope_head_dim: int = 0
    v_head_dim: int = 0
    tied_embeddings: bool = False
    router_bias: bool = False
    qkv_bias: bool = False
    ffn_matrices: int = 3
    dense_residual: bool = False

    def __post_init__(self) -> None:
        if self.attention not in ATTENTIONS:
            raise ValueError(f"attention '{self.attention}' is unknown: use one of {ATTENTIONS}")
        for field in fields(self):
            size = getattr(self, field.name)
            if field.name != "attention" and (not isinstance(size, int) or size < 0):
                raise ValueError(f"{field.name} is {size}: a dimension is a whole number, not negative")
        if self.attention == "mla" and not (self.kv_lora_rank and self.v_head_dim):
            raise ValueError("latent attention needs kv_lora_rank and v_head_dim")
        if self.attention != "mla" and not (self.kv_heads and self.head_dim):
            raise ValueError(f"{self.attention} needs kv_heads and head_dim")
        if self.active_experts > self.routed_experts:
            raise ValueError("more active experts than routed experts")
        if self.dense_layers > self.layers:
            raise ValueError("more dense layers than layers")

    @classmethod
    def from_row(cls, row: Mapping) -> "Config":
        """Build a configuration from a mapping such as a row of ``data/models.csv``.

        Keys that are not dimensions are passed over, and empty values keep their default.

        Raises
        ------
        ValueError
            If a dimension that the count needs is missing.
        """
        names = {field.name for field in fields(cls)}
        given = {k: v for k, v in row.items() if k in names and v is not None and v == v}
        for key, size in given.items():
            if isinstance(size, float) and not size.is_integer():
                raise ValueError(f"{row.get('id', 'this model')}: {key} is {size}: write a whole number")
        numbers = {k: int(v) if isinstance(v, float) else v for k, v in given.items()}
        missing = [k for k in ("layers", "d_model", "heads", "attention", "vocab_size") if k not in numbers]
        if missing:
            raise ValueError(f"{row.get('id', 'this model')}: dimensions undisclosed: {', '.join(missing)}")
        return cls(**numbers)

    @property
    def is_moe(self) -> bool:
        """Whether some feed-forward layers are made of experts."""
        return self.routed_experts > 0

    @property
    def moe_layers(self) -> int:
        """Number of layers whose feed-forward part is made of experts."""
        return self.layers - self.dense_layers if self.is_moe else 0


def attention_parameters(c: Config) -> int:
    """Count the parameters of one layer's attention, in elements.

    Source: the reference implementations of Llama 3 and Mixtral (grouped queries) and of
    DeepSeek-V3 (``inference/model.py``: ``wq_a``, ``q_norm``, ``wq_b``, ``wkv_a``,
    ``kv_norm``, ``wkv_b``, ``wo``).
    """
    d = c.d_model
    if c.attention == "mla":
        q_dim = c.heads * (c.qk_nope_head_dim + c.qk_rope_head_dim)
        query = d * c.q_lora_rank + c.q_lora_rank + c.q_lora_rank * q_dim if c.q_lora_rank else d * q_dim
        down = d * (c.kv_lora_rank + c.qk_rope_head_dim) + c.kv_lora_rank
        up = c.kv_lora_rank * c.heads * (c.qk_nope_head_dim + c.v_head_dim)
        return query + down + up + c.heads * c.v_head_dim * d
    q_dim, kv_dim = c.heads * c.head_dim, c.kv_heads * c.head_dim
    bias = q_dim + 2 * kv_dim if c.qkv_bias else 0
    return d * q_dim + 2 * d * kv_dim + q_dim * d + bias


def expert_parameters(c: Config) -> int:
    """Count the parameters of one expert: gate, up and down projection, in elements."""
    return c.ffn_matrices * c.d_model * c.moe_ffn_dim


def parts(c: Config) -> dict[str, int]:
    """Count the parameters of a model, part by part.

    Returns
    -------
    dict
        Elements by part: ``embeddings``, ``attention``, ``dense feed-forward``, ``routers``,
        ``shared experts``, ``routed experts``, ``norms``. Their sum is :func:`total`.
    """
    dense_layers = c.layers if c.dense_residual or not c.is_moe else c.dense_layers
    return {
        "embeddings": c.vocab_size * c.d_model * (1 if c.tied_embeddings else 2),
        "attention": c.layers * attention_parameters(c),
        "dense feed-forward": dense_layers * c.ffn_matrices * c.d_model * c.ffn_dim,
        "routers": c.moe_layers * c.routed_experts * (c.d_model + int(c.router_bias)),
        "shared experts": c.moe_layers * c.shared_experts * expert_parameters(c),
        "routed experts": c.moe_layers * c.routed_experts * expert_parameters(c),
        "norms": (2 * c.layers + 1) * c.d_model,
    }


def total(c: Config) -> int:
    """Count all parameters, in elements."""
    return sum(parts(c).values())


def active(c: Config) -> int:
    """Count the parameters that one token passes through, in elements.

    As total, with ``active_experts`` in place of all routed experts.
    """
    if not c.is_moe:
        return total(c)
    idle = c.moe_layers * (c.routed_experts - c.active_experts) * expert_parameters(c)
    return total(c) - idle


def kv_elements_per_layer(c: Config) -> int:
    """Count the elements that one layer caches for one token.

    Latent attention caches the compressed vector and the rotary key once for all heads
    (DeepSeek-V2 report, section 2.1.4); the others cache keys and values for each
    key-value head.
    """
    if c.attention == "mla":
        return c.kv_lora_rank + c.qk_rope_head_dim
    return 2 * c.kv_heads * c.head_dim


def kv_bytes_per_token(c: Config, bytes_per_element: float = 2) -> float:
    """Size of the key-value cache for one token of context, in bytes.

    Parameters
    ----------
    bytes_per_element : float
        2 for BF16, 1 for FP8.
    """
    if bytes_per_element <= 0:
        raise ValueError("bytes_per_element must be positive")
    return kv_elements_per_layer(c) * c.layers * bytes_per_element


def training_flops(parameters: float, tokens: float) -> float:
    """Floating-point operations of a training run by the rule 6·N·D.

    ``parameters`` are those that are active for a token. Source: Kaplan et al. 2020,
    section 2.1; attention's own share over the context is left out.
    """
    if not (0 <= parameters < float("inf") and 0 <= tokens < float("inf")):
        raise ValueError("parameters and tokens cannot be negative, and must be finite")
    return 6.0 * parameters * tokens


def conversations(memory: float, weights: float, per_conversation: float) -> int:
    """Count the conversations whose caches fit beside the weights of a model.

    Parameters
    ----------
    memory, weights, per_conversation : float
        Memory of the machine, size of the weights, cache of one conversation: all in one unit.
    """
    if per_conversation <= 0:
        raise ValueError("per_conversation must be positive")
    return max(0, math.floor((memory - weights) / per_conversation))


def gpu_hours(flops: float, peak_tflops: float, utilisation: float) -> float:
    """GPU hours of a training run.

    Parameters
    ----------
    flops : float
        Floating-point operations of the run.
    peak_tflops : float
        What the chip can do, in TFLOP/s.
    utilisation : float
        Share of that peak that is useful work, over 0 and up to 1.
    """
    if peak_tflops <= 0 or utilisation <= 0:
        raise ValueError("peak and utilisation must be positive")
    return flops / (peak_tflops * 1e12 * utilisation * 3600)

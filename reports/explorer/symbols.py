"""The notation of a symbol as letters for a page: a base and what stands low beside it.

Start with `split_symbol`.
"""

import re

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ",
    "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+")
_ACCENT = re.compile(r"(?:upright|overline|hat|tilde)\(([^()]*)\)")


def split_symbol(notation: str) -> tuple[str, str]:
    """Return the base and the subscript of a symbol in typst's notation; accents are left out.

    >>> split_symbol('IC_"VEGFR-2"'), split_symbol("sigma_g"), split_symbol('"CL"'), split_symbol("hat(c)_1")
    (('IC', 'VEGFR-2'), ('σ', 'g'), ('CL', ''), ('c', '1'))
    """
    base, _, low = _ACCENT.sub(r"\1", notation).partition("_")
    return _spell(base), _spell(low)


def _spell(part: str) -> str:
    words = _WORD.sub(lambda found: GREEK.get(found[0], found[0]), part)
    return words.replace('"', "").replace("(", "").replace(")", "").strip()

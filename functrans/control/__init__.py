"""Control flow and custom rules: primitives whose params are Programs."""

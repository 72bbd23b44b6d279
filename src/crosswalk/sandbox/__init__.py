"""An Insightly that other people's programs cannot tell from the real one."""

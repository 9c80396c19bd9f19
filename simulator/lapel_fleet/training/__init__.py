"""What goes wrong with cameras in the field, a file each: `NAME.toml` here. The same file is a test, a chapter of the
guide (docs/field.md), and an exercise (`lapel-fleet practice NAME`).
"""

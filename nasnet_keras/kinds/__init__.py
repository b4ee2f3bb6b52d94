"""The kinds of architectures, a file or a folder each: rows of `KINDS` in
`nasnet_keras.architectures`."""

"""The settings of every process, by what they are about; `process` puts them together."""

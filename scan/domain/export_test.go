package domain

// ConvertLabels is Convert without its quick way, after the last full stop is gone.
var ConvertLabels = convertLabels

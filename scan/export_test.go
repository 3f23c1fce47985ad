package scan

// DistinctNames is the first pass without the lookups.
var DistinctNames = distinctNames

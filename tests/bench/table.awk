#!/usr/bin/awk -f
# table: the figures that bench.bash describes, as a table.
function num(x) { return x == "-" ? x : x >= 100 ? sprintf("%.0f", x) : sprintf("%.1f", x) }
BEGIN { FS = "\t"; f = "%-46s %9s %9s %6s  %-11s %-7s %s\n"
	printf f, "figure", "adit", "charon", "ratio", "aim", "met", "runs" }
{
	ratio = ($3 != "-" && $4 != "-" && $4 > 0) ? $3 / $4 : -1
	met = "-"
	aim = $5
	if ($5 ~ /abs$/) { lim = substr($5, 2) + 0; aim = "below " lim; met = $3 < lim ? "yes" : "NO" }
	else if ($5 ~ /^</) { lim = substr($5, 2) + 0; aim = "below " lim; met = ratio < 0 ? "?" : ratio < lim ? "yes" : "NO" }
	else if ($5 ~ /^>/) { lim = substr($5, 2) + 0; aim = "above " lim; met = ratio < 0 ? "?" : ratio > lim ? "yes" : "NO" }
	else aim = "(informs)"
	printf f, $1 ", " $2, num($3), num($4), ratio < 0 ? "-" : sprintf("%.2f", ratio), aim, met, $6
}

#!/usr/bin/awk -f
# line: the results of line.sh (way, figure, value) as a table of medians, and the ratios of
# adit's to the others'.
function median(list,   v, n, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
function num(x) { return x == "" ? "-" : x >= 100 ? sprintf("%.0f", x) : x >= 10 ? sprintf("%.1f", x) : sprintf("%.2f", x) }
function line(title, what,   i, f) {
	printf "%-30s", title
	for (i = 1; i <= nf; i++) printf " %9s", what[figures[i]]
	printf "\n"
}
# Rates: how many times; latency, processor and memory: the other's part that ours is, too.
function ratios(us, other,   f, i, r) {
	for (i = 1; i <= nf; i++) {
		f = figures[i]
		r[f] = ((us, f) in m) && ((other, f) in m) && m[other, f] > 0 ? sprintf("%.2f", m[us, f] / m[other, f]) : "-"
	}
	line("  : " other, r)
}
BEGIN {
	FS = "\t"
	split("tcp1 tcp1-back tcp8 tcp8-back udp64 udp512 udp1400 ping ping-loaded cpu-out cpu-in udp-cpu memory", order, " ")
	head["tcp1"] = "TCP 1>"; head["tcp1-back"] = "TCP 1<"; head["tcp8"] = "TCP 8>"; head["tcp8-back"] = "TCP 8<"
	head["udp64"] = "UDP 64"; head["udp512"] = "UDP 512"; head["udp1400"] = "UDP 1400"
	head["ping"] = "ping"; head["ping-loaded"] = "loaded"; head["cpu-out"] = "CPU out"; head["cpu-in"] = "CPU in"
	head["udp-cpu"] = "CPU UDP"; head["memory"] = "memory"; unit["udp-cpu"] = "us/pkt"
	unit["tcp1"] = unit["tcp1-back"] = unit["tcp8"] = unit["tcp8-back"] = "Mbit/s"
	unit["udp64"] = unit["udp512"] = unit["udp1400"] = "kpkt/s"
	unit["ping"] = unit["ping-loaded"] = "ms"; unit["cpu-out"] = unit["cpu-in"] = "s/Gbit"; unit["memory"] = "MB"
}
$3 != "" {
	if (!($1 in seen)) { seen[$1] = 1; ways[++nw] = $1 }
	have[$2] = 1
	all[$1, $2] = all[$1, $2] " " $3
	if ($2 == "tcp1") rounds[$1]++
}
END {
	for (i = 1; i in order; i++) if (order[i] in have) figures[++nf] = order[i]
	line("", head)
	line("", unit)
	for (w = 1; w <= nw; w++) {
		for (i = 1; i <= nf; i++)
			if ((ways[w], figures[i]) in all) {
				m[ways[w], figures[i]] = median(all[ways[w], figures[i]])
				cells[figures[i]] = num(m[ways[w], figures[i]])
			} else cells[figures[i]] = "-"
		line(ways[w] " (" rounds[ways[w]] + 0 ")", cells)
	}
	for (w = 1; w <= nw; w++) {
		if (ways[w] !~ /^adit\//) continue
		printf "\n%s, as times the figure of\n", ways[w]
		for (o = 1; o <= nw; o++)
			if (ways[o] !~ /^adit\// && ways[o] != "veth") ratios(ways[w], ways[o])
	}
}

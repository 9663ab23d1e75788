# Shaped links between network namespaces, to be sourced: links_up, links_shape, links_run, links_down.
#
# A namespace a rank, and one more for the switch (a bridge) and mpirun. Each rank's veth pair is shaped at both ends
# by a token bucket (tc tbf), so that a rank sends at RATE and receives at RATE. Nothing outside the namespaces changes.
# Open MPI starts its daemons through a script that enters the namespace, in place of ssh.

links_name=glink$$
links_net=10.77.0
links_folder=

links_missing() {  # prints why links cannot be made here
  local tool
  for tool in ip tc mpirun; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed"; return; }
  done
  [ "$(id -u)" -eq 0 ] || { echo "network namespaces need root"; return; }
  ip netns add "$links_name-try" 2>/dev/null || { echo "this system does not let us make network namespaces"; return; }
  ip -n "$links_name-try" link add wire0 type veth peer name wire1 2>/dev/null &&
    ip -n "$links_name-try" link add bridge type bridge 2>/dev/null &&
    tc -n "$links_name-try" qdisc add dev wire0 root tbf rate 1gbit burst 256kb latency 50ms 2>/dev/null ||
    echo "the kernel lacks veth, bridge or tbf"
  ip netns del "$links_name-try"
}

links_up() {  # RANKS
  local rank
  links_ranks=$1
  links_folder=$(mktemp -d)
  ip netns add "$links_name-switch"
  ip -n "$links_name-switch" link set lo up
  ip -n "$links_name-switch" link add bridge type bridge
  ip -n "$links_name-switch" addr add "$links_net.254/24" dev bridge
  ip -n "$links_name-switch" link set bridge up
  for rank in $(seq 1 "$links_ranks"); do
    ip netns add "$links_name-$rank"
    ip -n "$links_name-$rank" link set lo up
    ip -n "$links_name-switch" link add "port$rank" type veth peer name wire netns "$links_name-$rank"
    ip -n "$links_name-switch" link set "port$rank" master bridge up
    ip -n "$links_name-$rank" addr add "$links_net.$rank/24" dev wire
    ip -n "$links_name-$rank" link set wire up
    echo "$links_net.$rank slots=1"
  done >"$links_folder/hosts"
  cat >"$links_folder/enter" <<EOT
#!/bin/sh
# HOST COMMAND...: runs the command in the namespace of the host; daemons of one machine would share their files in
# TMPDIR, and remove each other's
host=\$1
shift
TMPDIR=$links_folder/\$host
export TMPDIR
mkdir -p "\$TMPDIR"
exec ip netns exec "$links_name-\${host##*.}" sh -c "\$*"
EOT
  chmod +x "$links_folder/enter"
}

links_shape() {  # RATE (as tc writes it: 200mbit), or none
  local rank end
  for rank in $(seq 1 "$links_ranks"); do
    for end in "$links_name-$rank wire" "$links_name-switch port$rank"; do
      set -- "$1" $end
      tc -n "$2" qdisc del dev "$3" root 2>/dev/null || true
      [ "$1" = none ] || tc -n "$2" qdisc add dev "$3" root tbf rate "$1" burst 256kb latency 50ms
    done
  done
}

links_run() {  # PROGRAM ARGUMENTS...: one rank a namespace
  TMPDIR=$links_folder ip netns exec "$links_name-switch" timeout "${LINKS_TIMEOUT:-900}" mpirun --allow-run-as-root --bind-to none \
    --hostfile "$links_folder/hosts" -np "$links_ranks" --map-by node \
    --mca plm rsh --mca plm_rsh_agent "$links_folder/enter" --mca plm_rsh_no_tree_spawn 1 \
    --mca pml ob1 --mca btl tcp,self --mca btl_tcp_if_include "$links_net.0/24" \
    --mca oob_tcp_if_include "$links_net.0/24" --mca mpi_yield_when_idle 1 \
    -x OMP_NUM_THREADS -x OMP_WAIT_POLICY=passive "$@"
}

links_down() {
  local space process
  for space in $(ip netns list 2>/dev/null | awk -v name="$links_name-" 'index($1, name) == 1 {print $1}'); do
    for process in $(ip netns pids "$space"); do kill "$process" 2>/dev/null || true; done
    ip netns del "$space"
  done
  [ -z "$links_folder" ] || rm -rf "$links_folder"
}

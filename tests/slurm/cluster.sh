#!/usr/bin/env bash
# A real Slurm cluster on this machine, for the tests beside it.
#
#   cluster.sh start  DIR NODES GPUS   start controller and nodes n1 ... (GPUS pretended GPUs each); waits until all are idle
#   cluster.sh kill   DIR NAME         SIGKILL, as a power failure would: `ctld`, or a node with all jobs on it
#   cluster.sh raise  DIR NAME         start it again
#   cluster.sh stop   DIR              end all that belongs to DIR
#
# DIR holds all state, keys, sockets and logs, and is at most 60 characters long, since sockets lie in it. Environment:
# MAX_ARRAY (MaxArraySize), MIN_JOB_AGE (seconds that an ended job is remembered), CPUS (of each node), EXTRA (lines of slurm.conf),
# ACCOUNTS (not empty: with slurmdbd and a MariaDB of its own, which both listen here alone; limits of QOS and associations hold).
# Partitions: `main`, and `urgent`, whose jobs send jobs of `main` back into the queue. jobs.txt has a line for each job that ended.
#
# Debian: apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge, and slurmdbd mariadb-server for ACCOUNTS
# Several slurmd on one host (MULTIPLE_SLURMD) are told apart by name and port; no systemd, no rights of root, and but for ACCOUNTS no database.
set -euo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"

fail() { echo "cluster.sh: $*" >&2; exit 1; }

verb=${1:?verb} dir=$(mkdir -p "${2:?dir}" && cd "$2" && pwd -P); shift 2
[ ${#dir} -le 60 ] || fail "DIR is too long: $dir"
conf=$dir/slurm.conf

# Processes that have ended and are not waited for yet are gone.
lives() { [ -n "${1:-}" ] && [ -r "/proc/$1/status" ] && ! grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status"; }

# The daemon NAME (ctld, munged, dbd, db or a node), if its process is alive and is ours: its command line names DIR, or its environment.
daemon() {
  local pid
  pid=$(cat "$dir/run/$1.pid" 2>/dev/null) || return 1
  lives "$pid" || return 1
  grep -qsaF "$dir/" "/proc/$pid/cmdline" || grep -qsaF "SLURM_CONF=$conf" "/proc/$pid/environ" || return 1
  echo "$pid"
}

# Step daemons and jobs of this cluster, or of one node: they outlive their slurmd.
jobs_of() {
  local file pid
  for file in $(grep -lasF "SLURM_CONF=$conf" /proc/[0-9]*/environ 2>/dev/null); do
    pid=${file#/proc/}; pid=${pid%/environ}
    if grep -qsa '^slurmstepd: ' "/proc/$pid/cmdline"; then
      [ -z "${1:-}" ] || find "/proc/$pid/fd" -lname "$dir/log/$1.log" 2>/dev/null | grep -q . || continue
    else
      grep -qsza "^SLURMD_NODENAME=${1:-}" "$file" || continue
    fi
    echo "$pid"
  done
}

# end SIGNAL SECONDS PID...: signals, waits, kills
end() {
  local signal=$1 until=$((SECONDS + $2)) pid; shift 2
  for pid in "$@"; do kill "-$signal" "$pid" 2>/dev/null || true; done
  for pid in "$@"; do
    while lives "$pid" && [ $SECONDS -lt $until ]; do sleep 0.05; done
    ! lives "$pid" || kill -KILL "$pid" 2>/dev/null || true
  done
}

raise() {
  case $1 in
    ctld) env -u SLURM_CONF slurmctld -f "$conf" ;;
    *) mkdir -p "$dir/spool/$1"; env -u SLURM_CONF slurmd -f "$conf" -N "$1" ;;
  esac >>"$dir/log/start.log" 2>&1 || fail "$1 did not start: $(tail -n 2 "$dir/log/$1.log")"
}

# A database that listens on a socket in DIR alone, and slurmdbd before it.
start_accounts() { # PORT
  local me until; me=$(id -un)
  local quick=(--innodb-flush-log-at-trx-commit=0 --innodb-log-file-size=8M --innodb-buffer-pool-size=64M)
  mariadb-install-db --no-defaults --datadir="$dir/db" --user="$me" --skip-test-db --auth-root-authentication-method=socket \
    --auth-root-socket-user="$me" "${quick[@]}" >>"$dir/log/db.log" 2>&1 || fail "no database: $(tail -n 2 "$dir/log/db.log")"
  mariadbd --no-defaults --datadir="$dir/db" --socket="$dir/run/db.sock" --pid-file="$dir/run/db.pid" --skip-networking --user="$me" \
    "${quick[@]}" >>"$dir/log/db.log" 2>&1 &
  (umask 077; cat >"$dir/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.sock
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$1
SlurmUser=$me
PidFile=$dir/run/dbd.pid
LogFile=$dir/log/dbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
CONF
  )
  until=$((SECONDS + 40))
  until [ -S "$dir/run/db.sock" ]; do
    [ $SECONDS -lt $until ] || fail "no database: $(tail -n 2 "$dir/log/db.log")"
    sleep 0.05
  done
  MYSQL_UNIX_PORT=$dir/run/db.sock SLURM_CONF=$conf slurmdbd >>"$dir/log/start.log" 2>&1 || fail "slurmdbd did not start: $(tail -n 2 "$dir/log/dbd.log")"
  until SLURM_CONF=$conf sacctmgr -n show cluster >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || fail "slurmdbd does not answer: $(tail -n 2 "$dir/log/dbd.log")"
    sleep 0.1
  done
  # Before the controller asks for them: it knows no user else, and takes no jobs.
  SLURM_CONF=$conf sacctmgr -iQ add cluster ablatrix >>"$dir/log/start.log" 2>&1
  SLURM_CONF=$conf sacctmgr -iQ add account lab >>"$dir/log/start.log" 2>&1
  SLURM_CONF=$conf sacctmgr -iQ add user "$me" account=lab >>"$dir/log/start.log" 2>&1
}

write_conf() { # NODES GPUS PORT
  local host me i; host=$(uname -n | cut -d. -f1) me=$(id -un)
  cat >"$conf" <<CONF
ClusterName=ablatrix
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$3
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.sock,cred_expire=5
SlurmctldPidFile=$dir/run/ctld.pid
SlurmdPidFile=$dir/run/%n.pid
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldLogFile=$dir/log/ctld.log
SlurmdLogFile=$dir/log/%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/jobs.txt
MailProg=/bin/true
ReturnToService=2
SlurmdTimeout=5
KillWait=20
InactiveLimit=0
MinJobAge=${MIN_JOB_AGE:-300}
MaxArraySize=${MAX_ARRAY:-1001}
MaxJobCount=20000
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=1,bf_interval=5,sched_interval=5,default_queue_depth=1000
${EXTRA:-}
CONF
  # Where the host's name means loopback, listen there alone.
  ! getent hosts "$host" | grep -q '^127\.' || echo 'CommunicationParameters=NoInAddrAny,NoCtldInAddrAny' >>"$conf"
  echo 'AutoDetect=off' >"$dir/gres.conf"
  [ "$2" = 0 ] || echo 'GresTypes=gpu' >>"$conf"
  for i in $(seq "$1"); do
    local gres=""
    if [ "$2" != 0 ]; then
      # A character device each: else jobs are not told which GPU is theirs.
      mkdir -p "$dir/gpu/n$i"
      for gpu in $(seq 0 $(($2 - 1))); do ln -sfn /dev/null "$dir/gpu/n$i/$gpu"; done
      gres="Gres=gpu:$2"
      echo "NodeName=n$i Name=gpu File=$dir/gpu/n$i/[0-$(($2 - 1))]" >>"$dir/gres.conf"
    fi
    echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$(($3 + i)) CPUs=${CPUS:-16} RealMemory=64000 $gres State=UNKNOWN" >>"$conf"
  done
  [ -z "${ACCOUNTS:-}" ] || cat >>"$conf" <<CONF
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$(($3 + $1 + 1))
AccountingStoragePass=$dir/run/munge.sock
AccountingStorageEnforce=associations,limits,qos
CONF
  echo "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1 GraceTime=1 State=UP" >>"$conf"
  echo "PartitionName=urgent Nodes=ALL MaxTime=INFINITE PriorityTier=9 PreemptMode=OFF State=UP" >>"$conf"
}

# The first of COUNT free ports, below those that the system gives out.
free_ports() {
  local first port
  for _ in $(seq 30); do
    first=$((10000 + RANDOM % 20000))
    for port in $(seq $first $((first + $1 - 1))); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
    done
    echo $first; return
  done
  fail 'no free ports'
}

case $verb in
  start)
    nodes=$1
    mkdir -p "$dir"/{run,state,spool,log}; chmod 755 "$dir/run"; chmod 700 "$dir/state"
    (umask 077; head -c 256 /dev/urandom >"$dir/munge.key")
    port=$(free_ports $((nodes + 2)))
    write_conf "$nodes" "$2" "$port"
    # --force: the folder may be one that only its owner can enter
    munged --force --num-threads=2 --key-file="$dir/munge.key" --socket="$dir/run/munge.sock" --pid-file="$dir/run/munged.pid" \
      --log-file="$dir/log/munged.log" --seed-file="$dir/run/munge.seed" >>"$dir/log/start.log" 2>&1 || fail 'munged did not start'
    [ -z "${ACCOUNTS:-}" ] || start_accounts $((port + nodes + 1))
    export SLURM_CONF=$conf
    raise ctld
    until=$((SECONDS + 40))
    # A node that finds no controller asks again only after seconds.
    until scontrol ping 2>/dev/null | grep -q 'is UP' || [ $SECONDS -ge $until ]; do sleep 0.05; done
    for i in $(seq "$nodes"); do raise "n$i"; done
    until [ "$(timeout 5 sinfo -h -N -p main -o %T 2>/dev/null | grep -cx idle)" = "$nodes" ]; do
      [ $SECONDS -lt $until ] || { tail -n 4 "$dir"/log/*.log >&2; fail 'not all nodes are up'; }
      sleep 0.1
    done ;;
  kill)
    pids=$(daemon "$1" || true)
    [ "$1" = ctld ] || pids="$pids $(jobs_of "$1")"
    # shellcheck disable=SC2086
    end KILL 5 $pids
    rm -f "$dir/run/$1.pid" ;;
  raise) raise "$1" ;;
  stop)
    # The controller first, or it would start again what is ended next.
    pid=$(daemon ctld) && end TERM 8 "$pid"
    pids=""
    for file in "$dir"/run/n*.pid; do name=$(basename "$file" .pid); pids="$pids $(daemon "$name" || true)"; done
    # shellcheck disable=SC2086
    end TERM 5 $pids
    # shellcheck disable=SC2046
    end KILL 3 $(jobs_of)
    # Then what they write to.
    for name in dbd db munged; do ! pid=$(daemon "$name") || end TERM 8 "$pid"; done
    true ;;
  *) fail "unknown verb $verb" ;;
esac

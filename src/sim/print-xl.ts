/** Prints what `xl info` and `xl list` show. */
import { freeKiB, type Domain, type World } from './world.ts';

const virtCaps = 'pv hvm hap gnttab-v1 gnttab-v2';
const hwCaps = '178bf3fd:80002001:20100800:00000007:00000000:00000000:00000000:00000000';

export const xlInfo = (world: World): string => {
  const { server } = world;
  const version = server.xenVersion ?? '4.17.7';
  const [major = '4', minor = '17', ...rest] = version.split('.');
  const rows: readonly (readonly [string, string | number])[] = [
    ['host', server.name],
    ['release', '6.1.0-56-amd64'],
    ['version', '#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)'],
    ['machine', 'x86_64'],
    ['nr_cpus', server.cpus],
    ['max_cpu_id', server.cpus - 1],
    ['nr_nodes', 1],
    ['cores_per_socket', server.cpus],
    ['threads_per_core', 1],
    ['cpu_mhz', '2445.403'],
    ['hw_caps', server.hwCaps ?? hwCaps],
    ['virt_caps', server.virtCaps ?? virtCaps],
    ['total_memory', server.memoryMiB],
    ['free_memory', Math.floor(freeKiB(world) / 1024)],
    ['sharing_freed_memory', 0],
    ['sharing_used_memory', 0],
    ['outstanding_claims', 0],
    ['free_cpus', 0],
    ['xen_major', major],
    ['xen_minor', minor],
    ['xen_extra', rest.length === 0 ? '' : `.${rest.join('.')}`],
    ['xen_version', version],
    ['xen_caps', 'xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 '],
    ['xen_scheduler', 'credit2'],
    ['xen_pagesize', 4096],
    ['platform_params', 'virt_start=0xffff800000000000'],
    ['xen_changeset', ''],
    ['xen_commandline', `dom0_mem=${server.dom0MiB}M,max:${server.dom0MiB}M loglvl=warning`],
    ['cc_compiler', 'x86_64-linux-gnu-gcc (Debian 12.2.0-14+deb12u1) 12.2.0'],
    ['cc_compile_by', 'pkg-xen-devel'],
    ['cc_compile_domain', 'lists.alioth.debian.org'],
    ['cc_compile_date', 'Wed Nov  4 16:52:28 UTC 2026'],
    ['build_id', '151b373fd64b321593bf987fd923cd10dabadac4'],
    ['xend_config_format', 4],
  ];
  return rows.map(([key, value]) => `${key.padEnd(23)}: ${value}\n`).join('');
};

const reasons = { poweroff: 0, reboot: 1, suspend: 2, crash: 3 } as const;
const letters = { poweroff: '-', reboot: 'r', suspend: 's', crash: 'c' } as const;

interface Row {
  readonly name: string;
  readonly domid: number;
  readonly mib: number;
  readonly vcpus: number;
  readonly state: string;
  readonly seconds: number;
  readonly uuid: string;
  readonly reason: string;
  readonly pool: string;
}

const rowOf = (world: World, d: Domain): Row => {
  const runs = d.built && !d.paused && d.ended === null;
  return {
    name: d.name ?? '(null)',
    domid: d.domid,
    mib: Math.floor(d.actualKiB / 1024),
    vcpus: d.built ? d.onlineVcpus : 0,
    // A guest that is still starting computes; later it mostly waits.
    state: `${runs && !d.booted ? 'r' : '-'}${runs && d.booted ? 'b' : '-'}${d.paused ? 'p' : '-'}${d.ended === null ? '-' : 's'}${d.ended === null ? '-' : letters[d.ended]}-`,
    seconds: d.built ? (world.clock.now() - d.startedAt) / 5000 : 0,
    uuid: d.uuid,
    reason: d.ended === null ? '-' : reasons[d.ended].toString(16),
    pool: d.pool,
  };
};

const dom0Row = (world: World): Row => ({
  name: 'Domain-0',
  domid: 0,
  mib: world.server.dom0MiB,
  vcpus: world.server.cpus,
  state: 'r-----',
  seconds: 107.5 + world.clock.now() / 1000,
  uuid: '00000000-0000-0000-0000-000000000000',
  reason: '-',
  pool: world.pools[0] ?? 'Pool-0',
});

/** `xl list`, with UUIDs and reasons where `verbose`, with the pool where `pool`. `domains` null: all. */
export const xlList = (world: World, domains: readonly Domain[] | null, verbose: boolean, pool: boolean): string => {
  const rows =
    domains === null
      ? [dom0Row(world), ...[...world.domains.values()].map((d) => rowOf(world, d))]
      : domains.map((d) => rowOf(world, d));
  const head = `Name                                        ID   Mem VCPUs\tState\tTime(s)${
    verbose ? '   UUID                            Reason-Code\tSecurity Label' : ''
  }${pool ? '         Cpupool' : ''}\n`;
  return (
    head +
    rows
      .map((r) => {
        const plain = `${r.name.padEnd(40)} ${String(r.domid).padStart(5)} ${String(r.mib).padStart(5)} ${String(r.vcpus).padStart(5)}     ${r.state}  ${r.seconds.toFixed(1).padStart(8)}`;
        return `${plain}${verbose ? ` ${r.uuid} ${r.reason.padStart(8)} ${'-'.padStart(16)}` : ''}${pool ? ` ${r.pool.padStart(15)}` : ''}\n`;
      })
      .join('')
  );
};

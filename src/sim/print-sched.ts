/** Prints what the hypervisor knows of scheduling: `xl vcpu-list`, `sched-credit2`, `cpupool-list`. */
import { allCpus, printCpus } from './cpus.ts';
import type { Domain, World } from './world.ts';

const live = (world: World): readonly Domain[] => [...world.domains.values()];

const nameOf = (d: Domain): string => d.name ?? '(null)';

/** `domains` null: all, with dom0. */
export const vcpuList = (world: World, domains: readonly Domain[] | null): string => {
  const { cpus } = world.server;
  const out = [
    `${'Name'.padEnd(32)} ${'ID'.padStart(5)} ${'VCPU'.padStart(5)} ${'CPU'.padStart(5)} ${'State'.padStart(5)} ${'Time(s)'.padStart(9)} Affinity (Hard / Soft)`,
  ];
  const row = (
    name: string,
    domid: number,
    n: number,
    cpu: string,
    state: string,
    seconds: number,
    where: string,
  ): void => {
    out.push(
      `${name.padEnd(32)} ${String(domid).padStart(5)} ${String(n).padStart(5)}${cpu.padStart(5)} ${state.padStart(5)} ${seconds.toFixed(1).padStart(9)}  ${where}`,
    );
  };
  if (domains === null)
    for (let n = 0; n < cpus; n += 1) row('Domain-0', 0, n, ` ${n}`, 'r--', 107.5 / (n + 1), 'all / all');
  for (const d of domains ?? live(world)) {
    if (!d.built) continue;
    for (let n = 0; n < d.maxVcpus; n += 1) {
      const online = n < d.onlineVcpus;
      const hard = d.hard[n] ?? allCpus(cpus);
      const where = `${printCpus(hard, cpus)} / ${printCpus(d.soft[n] ?? allCpus(cpus), cpus)}`;
      const state = !online ? '--p' : d.booted && !d.paused ? '-b-' : '---';
      const seconds = online ? (world.clock.now() - d.startedAt) / 5000 / d.maxVcpus : 0;
      row(nameOf(d), d.domid, n, online ? String(hard[0] ?? 0) : '-', state, seconds, where);
    }
  }
  return `${out.join('\n')}\n`;
};

const schedRow = (name: string, domid: number | string, weight: number | string, cap: number | string): string =>
  `${name.padEnd(33)} ${String(domid).padStart(4)} ${String(weight).padStart(6)} ${String(cap).padStart(4)}\n`;

const schedHead = schedRow('Name', 'ID', 'Weight', 'Cap');

export const schedOf = (d: Domain): string => schedHead + schedRow(nameOf(d), d.domid, d.weight, d.cap);

export const schedList = (world: World, only: string | null): string =>
  world.pools
    .filter((pool) => only === null || pool === only)
    .map((pool, i) => {
      const rows = live(world)
        .filter((d) => d.pool === pool)
        .map((d) => schedRow(nameOf(d), d.domid, d.weight, d.cap));
      const dom0 = i === 0 && pool === world.pools[0] ? schedRow('Domain-0', 0, 256, 0) : '';
      return `Cpupool ${pool}: ratelimit=1000us\n${schedHead}${dom0}${rows.join('')}`;
    })
    .join('');

/** Each further pool has one CPU, the last ones; Pool-0 has the rest. */
const poolCpus = (world: World, pool: string): readonly number[] => {
  const at = world.pools.indexOf(pool);
  const { cpus } = world.server;
  const own = Math.max(1, cpus - (world.pools.length - 1));
  if (at <= 0) return allCpus(cpus).slice(0, own);
  return [Math.min(cpus - 1, own + at - 1)];
};

export const poolList = (world: World, only: string | null, cpus: boolean): string => {
  const head = `${'Name'.padEnd(19)}${cpus ? 'CPU list' : 'CPUs   Sched     Active   Domain count'}\n`;
  const rows = world.pools
    .filter((pool) => only === null || pool === only)
    .map((pool, i) => {
      const own = poolCpus(world, pool);
      const domains = live(world).filter((d) => d.pool === pool).length + (i === 0 && pool === world.pools[0] ? 1 : 0);
      return `${pool.padEnd(19)}${
        cpus
          ? own.join(',')
          : `${String(own.length).padStart(3)} ${'credit2'.padStart(9)}       y       ${String(domains).padStart(4)}`
      }\n`;
    });
  return head + rows.join('');
};

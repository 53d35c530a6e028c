/** `xl sched-credit2`, `vcpu-list`, `vcpu-pin`, `cpupool-list` and `cpupool-migrate`. */
import { capRange, weightRange } from './build-errors.ts';
import { parseCpus, reachable, type Cpus } from './cpus.ts';
import { poolList, schedList, schedOf, vcpuList } from './print-sched.ts';
import { failed, fine, said, type Program, type Result } from './process.ts';
import { findDomain, type Domain, type World } from './world.ts';

const invalid = (word: string): Result => failed(1, `${word} is an invalid domain identifier (rc=-6)\n`);

/** `-d web -w 512`: options with a value each; undefined where one is not known. */
const valued = (
  args: readonly string[],
  names: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> | undefined => {
  const out = new Map<string, string>();
  for (let i = 0; i < args.length; i += 1) {
    const [flag = '', inline] = (args[i] ?? '').split('=');
    const name = names[flag];
    if (name === undefined) return undefined;
    if (inline !== undefined) out.set(name, inline);
    else {
      i += 1;
      out.set(name, args[i] ?? '');
    }
  }
  return out;
};

const options = {
  '-d': 'domain',
  '--domain': 'domain',
  '-w': 'weight',
  '--weight': 'weight',
  '-c': 'cap',
  '--cap': 'cap',
  '-p': 'pool',
  '--cpupool': 'pool',
};

const whole = (text: string | undefined): number => Number.parseInt(text ?? '', 10) || 0;

const setSched = (d: Domain, said: ReadonlyMap<string, string>): Result => {
  const bad = (line: string): Result => failed(1, `libxl: error: ${line}\nlibxl_domain_sched_params_set failed.\n`);
  const weight = said.has('weight') ? whole(said.get('weight')) : d.weight;
  const cap = said.has('cap') ? whole(said.get('cap')) : d.cap;
  if (weight < 1 || weight > 65535) return bad(weightRange(d.domid));
  if (cap < 0 || cap > d.maxVcpus * 100) return bad(capRange(d.domid, d.maxVcpus));
  d.weight = weight;
  d.cap = cap;
  return fine;
};

export const schedCredit2: Program = async (world, _process, args) => {
  const given = valued(args, options);
  if (given === undefined) return failed(2, `Try \`xl sched-credit2 --help' for more information.\n`);
  const word = given.get('domain');
  const pool = given.get('pool');
  if (pool !== undefined && (word !== undefined || given.size > 1))
    return failed(1, 'Specifying a cpupool is not allowed with other options.\n');
  if (pool !== undefined && !world.pools.includes(pool)) return failed(1, `unknown cpupool '${pool}'\n`);
  const sets = given.has('weight') || given.has('cap');
  if (word === undefined) return sets ? failed(1, 'Must specify a domain.\n') : said(schedList(world, pool ?? null));
  const d = findDomain(world, word);
  if (d === undefined) return /^\d+$/.test(word) ? failed(1, 'libxl_domain_sched_params_get failed.\n') : invalid(word);
  return sets ? setSched(d, given) : said(schedOf(d));
};

/** The other scheduler is not in use: it has no pools to list, and knows no domain. */
export const schedCredit: Program = async (world, _process, args) => {
  if (args.length === 0) return fine;
  const word = valued(args, options)?.get('domain') ?? '';
  const d = findDomain(world, word);
  if (d === undefined) return invalid(word);
  return failed(
    1,
    `libxl: error: libxl_sched.c:232:sched_credit_domain_set: Domain ${d.domid}:Getting domain sched credit: Invalid argument\nlibxl_domain_sched_params_set failed.\n`,
  );
};

export const listVcpus: Program = async (world, _process, args) => {
  const found: Domain[] = [];
  for (const word of args) {
    const d = findDomain(world, word);
    if (d !== undefined) found.push(d);
    else if (!/^\d+$/.test(word)) return invalid(word);
  }
  return said(vcpuList(world, args.length === 0 ? null : found));
};

const pinned = (world: World, text: string | undefined): Cpus | null | { readonly error: string } =>
  text === undefined || text === '-' ? null : parseCpus(text, world.server.cpus);

export const pinVcpu: Program = async (world, _process, all) => {
  const args = all.filter((a) => a !== '-f' && a !== '-i');
  const [word = '', vcpu = '', hardText, softText] = args;
  if (args.length < 3)
    return { rc: 2, out: 'Usage: xl [-vtTf] vcpu-pin …\n\n', err: "'xl vcpu-pin' requires at least 3 arguments.\n\n" };
  const d = findDomain(world, word);
  if (d === undefined && !/^\d+$/.test(word)) return invalid(word);
  const number = /^\d+/.exec(vcpu) === null ? null : Number.parseInt(vcpu, 10);
  if (number === null && vcpu !== 'all') return failed(1, `Error: Invalid argument ${vcpu} as VCPU.\n`);
  const hard = pinned(world, hardText);
  const soft = pinned(world, softText);
  for (const cpus of [hard, soft]) if (cpus !== null && 'error' in cpus) return failed(1, cpus.error);
  if (d === undefined) return failed(1, 'Could not get domain info\n');
  const unset = (): Result => {
    const line = `libxl: error: libxl_sched.c:62:libxl__set_vcpuaffinity: Domain ${d.domid}:Setting vcpu affinity: Invalid argument\n`;
    // With `all` it exits with 0 all the same.
    return number === null
      ? said('', `${line}Could not set affinity.\n`)
      : failed(1, `${line}Could not set affinity for vcpu \`${number}'.\n`);
  };
  const here = (cpus: Cpus): Cpus => reachable(cpus, world.server.cpus);
  if (hard !== null && !('error' in hard) && here(hard).length === 0)
    return hard.length === 0 ? failed(1, 'vcpu hard affinity map is empty\n') : unset();
  if (number !== null && number >= d.maxVcpus) return unset();
  let warnings = '';
  for (const n of number === null ? d.hard.keys() : [number]) {
    if (hard !== null && !('error' in hard)) d.hard[n] = here(hard);
    if (soft === null || 'error' in soft) continue;
    d.soft[n] = here(soft);
    if (!here(soft).some((cpu) => d.hard[n]?.includes(cpu)))
      warnings += `libxl: warning: libxl_sched.c:84:libxl__set_vcpuaffinity: Domain ${d.domid}:All cpus in soft affinity of vcpu ${n} are unreachable. Only hard affinity will be considered for scheduling\n`;
  }
  return said('', warnings);
};

export const listPools: Program = async (world, _process, args) => {
  const pool = args.find((a) => !a.startsWith('-'));
  if (pool !== undefined && !world.pools.includes(pool)) return failed(1, `Pool '${pool}' does not exist\n`);
  return said(poolList(world, pool ?? null, args.includes('-c') || args.includes('--cpus')));
};

export const migratePool: Program = async (world, _process, [word = '', pool = '', ...rest]) => {
  if (pool === '' || rest.length > 0)
    return {
      rc: 2,
      out: 'Usage: xl [-vtTf] cpupool-migrate …\n\n',
      err: "'xl cpupool-migrate' requires at least 2 arguments.\n\n",
    };
  const d = findDomain(world, word);
  if (d === undefined) return failed(1, `unknown domain '${word}'\n`);
  // A pool may also be told by its number.
  const found = /^\d+$/.test(pool) ? world.pools[Number(pool)] : world.pools.find((p) => p === pool);
  if (found === undefined) return failed(1, `unknown cpupool '${pool}'\n`);
  // Another pool has a scheduler of its own, in which the domain begins anew.
  if (d.pool !== found) Object.assign(d, { pool: found, weight: 256, cap: 0 });
  return fine;
};

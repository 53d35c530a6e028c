/** `xl mem-set` and `xl vcpu-set`. */
import { wake } from './lives.ts';
import { failed, fine, type Result, type Running } from './process.ts';
import { isRecorded, type Domain, type World } from './world.ts';
import { table } from '../core/table.ts';

/** KiB; a bare number is MiB, as xl has it. Undefined where it is no size. */
const parseMemory = (text: string): number | undefined => {
  const m = /^(\d+)([bkmgt]?)/i.exec(text);
  if (m === null) return undefined;
  const factors: Readonly<Record<string, number>> = table({
    b: 1 / 1024,
    k: 1,
    m: 1024,
    '': 1024,
    g: 1024 ** 2,
    t: 1024 ** 3,
  });
  return Math.floor(Number(m[1]) * (factors[(m[2] ?? '').toLowerCase()] ?? 1));
};

export const memSet = async (
  world: World,
  _process: Running,
  d: Domain | undefined,
  word: string,
  args: readonly string[],
): Promise<Result> => {
  const size = args[0] ?? '';
  const kib = parseMemory(size);
  if (kib === undefined) return failed(3, `invalid memory size: ${size}\n`);
  if (d === undefined)
    return failed(
      1,
      `libxl: error: libxl_dom.c:1216:libxl__userdata_path: unable to find domain info for domain ${word}: Success\ncannot set domid ${word} dynamic max memory to : ${size}\n`,
    );
  if (!isRecorded(world, d))
    return failed(
      1,
      `libxl: error: libxl_mem.c:210:libxl_set_memory_target: unable to retrieve domain configuration: No such file or directory\ncannot set domid ${d.domid} dynamic max memory to : ${size}\n`,
    );
  if (kib > d.maxKiB)
    return failed(
      1,
      `libxl: error: libxl_mem.c:278:libxl_set_memory_target: Domain ${d.domid}:memory_dynamic_max must be less than or equal to memory_static_max\n\ncannot set domid ${d.domid} dynamic max memory to : ${size}\n`,
    );
  d.targetKiB = kib;
  d.unsetKiB = 0;
  wake(world, d);
  return fine;
};

export const vcpuSet = async (
  world: World,
  _process: Running,
  d: Domain | undefined,
  word: string,
  args: readonly string[],
): Promise<Result> => {
  const ignore = args.includes('-i') || args.includes('--ignore-host');
  const text = args.find((a) => !a.startsWith('-')) ?? '';
  const count = Number(text);
  if (!/^\d+$/.test(text)) return failed(1, `Error: Invalid argument.\n`);
  if (!ignore && count > world.server.cpus)
    return failed(
      1,
      `You are overcommmitting! You have ${world.server.cpus} physical CPUs and want ${count} vCPUs! Aborting, use --ignore-host to continue\n`,
    );
  const domid = d?.domid ?? Number(word);
  const refused = (why: string): Result =>
    failed(
      1,
      `libxl: error: libxl_domain.c:1863:libxl_set_vcpuonline: Domain ${domid}:${why}: Function not implemented\nlibxl_set_vcpuonline failed domid=${domid} max_vcpus=${count}, rc: -3\n`,
    );
  if (count === 0) return refused('Requested 0 VCPUs!');
  if (d === undefined) return failed(1, `libxl_set_vcpuonline failed domid=${domid} max_vcpus=${count}, rc: -3\n`);
  if (count > d.maxVcpus) return refused(`Requested ${count} VCPUs, however maxcpus is ${d.maxVcpus}!`);
  d.wantVcpus = count;
  d.pluggedVcpus = Math.max(d.pluggedVcpus, count);
  wake(world, d);
  return fine;
};

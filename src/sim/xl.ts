/** The simulated `xl`: argv in, exit code, output and errors out, with the messages and lies of the real one. */
import { readCfg } from './cfg.ts';
import { domainConfig } from './config.ts';
import { end, launch, pressPower, wake } from './lives.ts';
import { libxlJson, listJson } from './print-json.ts';
import { xlInfo, xlList } from './print-xl.ts';
import { draw, findDomain, hostOf, userdataPath, versionOf, type Domain, type World } from './world.ts';
import { failed, fine, said, type Program, type Result, type Running } from './process.ts';
import { cdEject, cdInsert } from './xl-cdrom.ts';
import { blockAttach, blockDetach, networkAttach, networkDetach } from './xl-devices.ts';
import { migrate } from './migrate.ts';
import { restore, save } from './save.ts';
import { memSet, vcpuSet } from './xl-resources.ts';
import { listPools, listVcpus, migratePool, pinVcpu, schedCredit, schedCredit2 } from './xl-sched.ts';
import { destroy, stop } from './xl-stop.ts';
import { table } from '../core/table.ts';
import { shown } from './workers.ts';

const invalid = (word: string): Result => failed(1, `${word} is an invalid domain identifier (rc=-6)\n`);

/** A name that nobody has is refused at once; a domid that nobody has gets as far as the command takes it. */
type OnDomain = (
  world: World,
  process: Running,
  d: Domain | undefined,
  word: string,
  args: readonly string[],
) => Promise<Result>;

const flagsOf = (
  args: readonly string[],
): { readonly flags: ReadonlySet<string>; readonly words: readonly string[] } => {
  const flags = new Set<string>();
  const words: string[] = [];
  for (const a of args) {
    if (/^--[a-z]/.test(a)) flags.add(a.slice(2));
    else if (/^-[A-Za-z]+$/.test(a)) for (const c of a.slice(1)) flags.add(c);
    else words.push(a);
  }
  return { flags, words };
};

const usage = (command: string, least: number): Result => ({
  rc: 2,
  out: `Usage: xl [-vtTf] ${command} …\n\n`,
  err: `'xl ${command}' requires at least ${least} argument${least === 1 ? '' : 's'}.\n\n`,
});

const create: Program = async (world, process, args) => {
  const { flags, words } = flagsOf(args);
  const [file, ...settings] = words;
  if (file === undefined) return failed(6, 'Config file not specified and none in save file\n');
  const text = world.files.text(file);
  if (text === undefined) return failed(3, `Failed to read config file: ${file}: No such file or directory\n`);
  const parsing = flags.has('q') ? '' : `Parsing config from ${file}\n`;
  // Further words are settings that come behind those of the file.
  const read = readCfg([text, ...settings.map((w) => `${w}\n`)].join('\n'), file);
  if ('error' in read) return failed(1, parsing + read.error);
  const made = domainConfig(read.settings, hostOf(world));
  if ('error' in made) return failed(1, parsing + made.error);
  const told = parsing + made.warnings;
  if (flags.has('n')) return { rc: 0, out: libxlJson(made.config, 'dry'), err: told };
  const started = await launch(world, process, made.config, flags.has('p'));
  if ('error' in started) return failed(started.rc, told + started.error);
  const pid = (world.nextPid += 3);
  const [major, minor] = versionOf(world.server);
  world.monitors.set(pid, {
    pid,
    args: `/usr/lib/xen-${major}.${minor}/bin/xl create ${args.join(' ')}`,
    cfg: file,
    domid: started.domain.domid,
  });
  return said('', told);
};

const pause: OnDomain = async (_world, _process, d) => {
  if (d !== undefined) d.paused = true;
  return fine;
};

const unpause: OnDomain = async (world, _process, d) => {
  if (d !== undefined && d.paused && !d.leaving && d.built) {
    d.paused = false;
    wake(world, d);
  }
  return fine;
};

const rename: OnDomain = async (world, _process, d, word, args) => {
  const name = args[0] ?? '';
  if (d === undefined) return failed(1, `Can't rename domain '${word}'.\n`);
  if (name === 'Domain-0' || [...world.domains.values()].some((x) => x.name === name && x !== d))
    return failed(
      1,
      `libxl: error: libxl_domain.c:81:libxl__domain_rename: Domain ${d.domid}:Domain with name "${name}" already exists.\nCan't rename domain '${word}'.\n`,
    );
  d.name = name;
  return fine;
};

const updateWarning =
  'WARNING: xl now has better capability to manage domain configuration, avoid using this command when possible\n';

const triggers = new Set(['nmi', 'reset', 'init', 'power', 'sleep', 's3resume']);

/** Exit code 0 even where nothing was sent. */
const trigger: OnDomain = async (world, _process, d, word, args) => {
  const name = args[0] ?? '';
  if (!triggers.has(name)) return failed(1, `Invalid trigger \`${name}'\n`);
  if (d === undefined || d.type !== 'hvm')
    return said(
      '',
      `libxl: error: libxl_domain.c:1810:libxl_send_trigger: Domain ${d?.domid ?? word}:Send trigger '${name}' failed: Invalid argument\n`,
    );
  if (name === 'power') pressPower(world, d);
  if (name === 'reset') end(world, d, 'reboot');
  return fine;
};

const configUpdate: OnDomain = async (world, _process, d, _word, args) => {
  const file = args[0] ?? '';
  const text = world.files.text(file);
  if (text === undefined)
    return failed(1, `${updateWarning}Failed to read config file: ${file}: No such file or directory\n`);
  const read = readCfg(text, file);
  const made = 'error' in read ? read : domainConfig(read.settings, hostOf(world));
  if ('error' in made) return failed(1, updateWarning + made.error);
  // Exit code 0 even where nothing was set.
  if (d === undefined) return said('', updateWarning + made.warnings);
  world.files.put(userdataPath(d, 'xl'), text, 0o600);
  return said('', `${updateWarning}${made.warnings}setting dom${d.domid} configuration\n`);
};

const list: Program = async (world, _process, args) => {
  const { flags, words } = flagsOf(args);
  const word = words[0];
  const one = word === undefined ? undefined : findDomain(world, word);
  if (word !== undefined && one === undefined)
    return /^\d+$/.test(word) ? failed(1, `Error: Domain '${word}' does not exist.\n`) : invalid(word);
  const some = one === undefined ? null : [one];
  if (flags.has('l'))
    return said(
      listJson(
        some ?? [...world.domains.values()].filter((d) => d.name !== null && d.built),
        some === null ? { memoryKiB: world.server.dom0MiB * 1024 } : null,
      ),
    );
  return said(xlList(world, some, flags.has('v'), flags.has('c')));
};

const onDomain: Readonly<Record<string, { readonly run: OnDomain; readonly least: number }>> = table({
  shutdown: { run: stop('poweroff'), least: 1 },
  reboot: { run: stop('reboot'), least: 1 },
  destroy: { run: destroy, least: 1 },
  pause: { run: pause, least: 1 },
  unpause: { run: unpause, least: 1 },
  rename: { run: rename, least: 2 },
  trigger: { run: trigger, least: 2 },
  'config-update': { run: configUpdate, least: 2 },
  'mem-set': { run: memSet, least: 2 },
  'vcpu-set': { run: vcpuSet, least: 2 },
  'block-attach': { run: blockAttach, least: 2 },
  'block-detach': { run: blockDetach, least: 2 },
  'network-attach': { run: networkAttach, least: 1 },
  'network-detach': { run: networkDetach, least: 2 },
  'cd-insert': { run: cdInsert, least: 3 },
  'cd-eject': { run: cdEject, least: 2 },
  // A person's own shell has no terminal here.
  console: { run: async () => failed(1, 'Unable to attach console\n'), least: 1 },
});

/** Commands that find their domain themselves, or need none. */
const onHost: Readonly<Record<string, Program>> = table({
  info: async (world) => said(xlInfo(world)),
  list,
  'vcpu-list': listVcpus,
  'vcpu-pin': pinVcpu,
  'sched-credit2': schedCredit2,
  'sched-credit': schedCredit,
  'cpupool-list': listPools,
  'cpupool-migrate': migratePool,
  migrate,
  restore,
  save,
});

const run: Program = async (world, process, argv) => {
  const dry = argv[0] === '-N';
  const [command = '', ...args] = dry ? argv.slice(1) : argv;
  await process.sleep(draw(world, 'xl'));
  const host = onHost[command];
  if (host !== undefined) return host(world, process, args);
  if (command === 'create') return create(world, process, dry ? ['-n', ...args] : args);
  const known = onDomain[command];
  if (known === undefined) return failed(1, 'command not implemented\n');
  const { words } = flagsOf(args);
  const word = words[0];
  if (word === undefined || words.length < known.least) return usage(command, known.least);
  const d = findDomain(world, word);
  if (d === undefined && !/^\d+$/.test(word) && word !== 'Domain-0') {
    if (command === 'block-attach') return failed(1, `${word} is an invalid domain identifier\n`);
    return command === 'config-update'
      ? failed(1, `${updateWarning}${word} is an invalid domain identifier (rc=-6)\n`)
      : invalid(word);
  }
  const at = args.indexOf(word);
  return known.run(world, process, d, word, [...args.slice(0, at), ...args.slice(at + 1)]);
};

/** `xl …` without the `xl`. */
export const xl: Program = async (world, process, argv) => {
  if (argv[0] === 'migrate' || argv[0] === 'save')
    return shown(world, process, `xl ${argv.join(' ')}`, () => run(world, process, argv));
  return run(world, process, argv);
};

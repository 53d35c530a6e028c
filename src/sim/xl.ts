/** The simulated `xl`: argv in, exit code, output and errors out, with the messages and lies of the real one. */
import { readCfg } from './cfg.ts';
import { domainConfig } from './config.ts';
import { launch, takeDown, wake } from './lives.ts';
import { libxlJson, listJson } from './print-json.ts';
import { xlInfo, xlList } from './print-xl.ts';
import { draw, findDomain, userdataPath, type Domain, type World } from './world.ts';
import { failed, fine, said, type Program, type Result, type Running } from './process.ts';
import { blockAttach, blockDetach, networkAttach, networkDetach } from './xl-devices.ts';
import { memSet, vcpuSet } from './xl-resources.ts';

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
    if (/^-[A-Za-z]+$/.test(a)) for (const c of a.slice(1)) flags.add(c);
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
  const made = domainConfig(read.settings, world.random);
  if ('error' in made) return failed(1, parsing + made.error);
  if (flags.has('n')) return { rc: 0, out: libxlJson(made.config, 'dry'), err: parsing };
  const started = await launch(world, process, made.config, flags.has('p'));
  if ('error' in started) return failed(3, parsing + started.error);
  const pid = (world.nextPid += 3);
  const [major, minor] = (world.server.xenVersion ?? '4.17.7').split('.');
  world.monitors.set(pid, {
    pid,
    args: `/usr/lib/xen-${major}.${minor}/bin/xl create ${args.join(' ')}`,
    cfg: file,
    domid: started.domain.domid,
  });
  return said('', parsing);
};

const acknowledged = async (process: Running, d: Domain, timeout: number): Promise<boolean> => {
  for (let waited = 0; d.request !== null && waited < timeout; waited += 100) await process.sleep(100);
  return d.request === null;
};

const stop =
  (kind: 'poweroff' | 'reboot'): OnDomain =>
  async (world, process, d, word, args) => {
    const { flags } = flagsOf(args);
    const domid = d?.domid ?? Number(word);
    const verb = kind === 'poweroff' ? 'shutdown' : 'reboot';
    const first = `${kind === 'poweroff' ? 'Shutting down' : 'Rebooting'} domain ${domid}\n`;
    if (d === undefined)
      return failed(
        1,
        `${first}libxl: error: libxl_dom.c:37:libxl__domain_type: unable to get domain type for domid=${domid}\n${verb} failed (rc=-3)\n`,
      );
    // An HVM guest can only be asked when its drivers have come up; the others hear it then.
    if (!d.booted && d.type === 'hvm') {
      if (!flags.has('F'))
        return failed(
          1,
          `${first}PV control interface not available: external graceful ${verb} not possible.\nUse "-F" to fallback to ACPI power event.\n${verb} failed (rc=-10)\n`,
        );
      world.clock.after(draw(world, 'shutdown'), () => wake(world, d));
      return said('', `${first}PV control interface not available: sending ACPI power button event.\n`);
    }
    d.request = kind;
    wake(world, d);
    if (!(await acknowledged(process, d, draw(world, 'acknowledgeTimeout'))))
      return failed(
        1,
        `${first}libxl: error: libxl_domain.c:854:pvcontrol_cb: guest didn't acknowledge control request: -9\n${verb} failed (rc=-9)\n`,
      );
    if (!flags.has('w')) return said('', first);
    // It has no timeout of its own; and the domain is still there for a moment when it returns.
    while (world.domains.get(d.domid) === d && d.ended === null) await process.sleep(100);
    return said(
      '',
      `${first}Waiting for 1 domains\nDomain ${domid} has been shut down, reason code ${kind === 'poweroff' ? 0 : 1}\n`,
    );
  };

const noDomain = (domid: number): string =>
  `libxl: error: libxl_domain.c:1183:libxl__destroy_domid: Domain ${domid}:Non-existant domain\n` +
  `libxl: error: libxl_domain.c:1137:domain_destroy_callback: Domain ${domid}:Unable to destroy guest\n` +
  `libxl: error: libxl_domain.c:1064:domain_destroy_cb: Domain ${domid}:Destruction of domain failed\n`;

const destroy: OnDomain = async (world, process, d, word) => {
  if (word === 'Domain-0' || word === '0')
    return failed(
      1,
      'Not destroying domain 0; use -f to force.\nThis can only be done when using a disaggregated hardware domain and toolstack.\n\n',
    );
  if (d === undefined) return failed(1, `${noDomain(Number(word))}destroy failed (rc=-21)\n`);
  if (d.leaving) {
    // The monitor's clean-up is under way and wins.
    while (world.domains.get(d.domid) === d) await process.sleep(100);
    return failed(1, `${noDomain(d.domid)}destroy failed (rc=-21)\n`);
  }
  await new Promise<void>((resolve) => takeDown(world, d, resolve));
  return fine;
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
  if (name === 'Domain-0' || [...world.domains.values()].some((x) => x.name === name))
    return failed(
      1,
      `libxl: error: libxl_domain.c:81:libxl__domain_rename: Domain ${d.domid}:Domain with name "${name}" already exists.\nCan't rename domain '${word}'.\n`,
    );
  d.name = name;
  return fine;
};

const updateWarning =
  'WARNING: xl now has better capability to manage domain configuration, avoid using this command when possible\n';

const configUpdate: OnDomain = async (world, _process, d, _word, args) => {
  const file = args[0] ?? '';
  const text = world.files.text(file);
  if (text === undefined)
    return failed(1, `${updateWarning}Failed to read config file: ${file}: No such file or directory\n`);
  const read = readCfg(text, file);
  const made = 'error' in read ? read : domainConfig(read.settings, world.random);
  if ('error' in made) return failed(1, updateWarning + made.error);
  // Exit code 0 even where nothing was set.
  if (d === undefined) return said('', updateWarning);
  world.files.put(userdataPath(d, 'xl'), text, 0o600);
  return said('', `${updateWarning}setting dom${d.domid} configuration\n`);
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

const onDomain: Readonly<Record<string, { readonly run: OnDomain; readonly least: number }>> = {
  shutdown: { run: stop('poweroff'), least: 1 },
  reboot: { run: stop('reboot'), least: 1 },
  destroy: { run: destroy, least: 1 },
  pause: { run: pause, least: 1 },
  unpause: { run: unpause, least: 1 },
  rename: { run: rename, least: 2 },
  'config-update': { run: configUpdate, least: 2 },
  'mem-set': { run: memSet, least: 2 },
  'vcpu-set': { run: vcpuSet, least: 2 },
  'block-attach': { run: blockAttach, least: 2 },
  'block-detach': { run: blockDetach, least: 2 },
  'network-attach': { run: networkAttach, least: 1 },
  'network-detach': { run: networkDetach, least: 2 },
};

/** `xl …` without the `xl`. */
export const xl: Program = async (world, process, argv) => {
  const dry = argv[0] === '-N';
  const [command = '', ...args] = dry ? argv.slice(1) : argv;
  await process.sleep(draw(world, 'xl'));
  if (command === 'info') return said(xlInfo(world));
  if (command === 'list') return list(world, process, args);
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

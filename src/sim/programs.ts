/** The programs of the simulated dom0, found by argv: xl and the few tools that operations and hands use. */
import { failed, fine, said, type Program, type Result } from './process.ts';
import { xl } from './xl.ts';

const flagless = (argv: readonly string[]): readonly string[] => argv.filter((a) => !a.startsWith('-'));

const each = (paths: readonly string[], verb: string, act: (path: string) => string | null): Result => {
  const errors = paths.flatMap((path) => {
    const why = act(path);
    return why === null ? [] : [`${verb} '${path}': ${why}\n`];
  });
  return errors.length === 0 ? fine : failed(1, errors.join(''));
};

const ln: Program = async ({ files }, _process, argv) => {
  const [target, path] = flagless(argv);
  if (target === undefined || path === undefined) return failed(1, 'ln: missing file operand\n');
  const force = argv.some((a) => /^-[a-z]*f/.test(a));
  if (files.get(path) !== undefined && !force)
    return failed(1, `ln: failed to create symbolic link '${path}': File exists\n`);
  return each([path], 'ln: failed to create symbolic link', () => files.link(target, path));
};

const rm: Program = async ({ files }, _process, argv) =>
  each(flagless(argv), 'rm: cannot remove', (path) =>
    files.get(path) === undefined && argv.includes('-f') ? null : files.remove(path),
  );

const mkdir: Program = async ({ files }, _process, argv) =>
  each(flagless(argv), 'mkdir: cannot create directory', (path) =>
    files.exists(path) && !argv.includes('-p') ? 'File exists' : files.mkdir(path),
  );

const cat: Program = async ({ files }, _process, argv) => {
  const missing = argv.find((path) => files.text(path) === undefined);
  if (missing !== undefined) return failed(1, `cat: ${missing}: No such file or directory\n`);
  return said(argv.map((path) => files.text(path)).join(''));
};

const test: Program = async ({ files }, _process, [op = '', path = '']) => {
  const node = op === '-L' || op === '-h' ? files.get(path) : files.resolve(path);
  const holds =
    op === '-e' ||
    (op === '-f' && node?.is === 'file') ||
    (op === '-d' && node?.is === 'dir') ||
    ((op === '-L' || op === '-h') && node?.is === 'link');
  return node !== undefined && holds ? fine : failed(1, '');
};

/** `ip link set [dev] vifD.N master BR`: moves a running vif; libxl's record does not hear of it. */
const ip: Program = async (world, _process, argv) => {
  const [object, verb, name = '', master, bridge = ''] = argv.filter((a) => a !== 'dev');
  if (object !== 'link' || verb !== 'set' || master !== 'master')
    return failed(255, `Command "${verb ?? ''}" is unknown, try "ip link help".\n`);
  const m = /^vif(\d+)\.(\d+)$/.exec(name);
  const nic = m === null ? undefined : world.domains.get(Number(m[1]))?.nics.find((n) => n.devid === Number(m[2]));
  if (nic === undefined || nic.ghost) return failed(1, `Cannot find device "${name}"\n`);
  if (!world.bridges.has(bridge)) return failed(255, `Error: argument "${bridge}" is wrong: Device does not exist\n`);
  nic.master = bridge;
  return fine;
};

const programs: Readonly<Record<string, Program>> = {
  xl,
  ln,
  rm,
  mkdir,
  cat,
  test,
  ip,
  true: async () => fine,
  false: async () => failed(1, ''),
  sleep: async (_world, process, [seconds = '0']) => {
    await process.sleep(Number(seconds) * 1000);
    return fine;
  },
};

/** Runs argv; 127 where there is no such program. */
export const runProgram: Program = async (world, process, argv) => {
  const [name = '', ...args] = argv;
  const program = programs[name.replace(/^\/(?:usr\/)?s?bin\//, '')];
  if (program === undefined)
    return failed(127, `timeout: failed to run command '${name}': No such file or directory\n`);
  return program(world, process, args);
};

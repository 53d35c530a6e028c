/** The command line: which commands there are, what they take, and what they answer. */
import { Command, CommanderError, Option } from 'commander';
import { apply, type ApplyFlags } from './apply.ts';
import { console, type ConsoleFlags } from './console.ts';
import { demo } from './demo.ts';
import { diff, type DiffFlags } from './diff.ts';
import { drift } from './drift.ts';
import { exit, ExitError } from './exit.ts';
import { balance, maxMoves, type BalanceFlags } from './balance.ts';
import { explain, type ExplainFlags } from './explain.ts';
import { graph, graphFormat, type GraphFlags } from './graph.ts';
import { history, sinceWhen, type HistoryFlags } from './history.ts';
import {
  allowing,
  drifting,
  forms,
  planning,
  noShaping,
  reading,
  repeated,
  replaying,
  shaping,
  showing,
  waiting,
  type CommonFlags,
  type PlanFlags,
  type ShowFlags,
} from './options.ts';
import { importFarm, type ImportFlags } from './import.ts';
import { plan, type PlanCommandFlags } from './plan.ts';
import { release, type ReleaseFlags } from './release.ts';
import { roll } from './roll.ts';
import type { RollOwnFlags } from './roll-standing.ts';
import { schema } from './schema.ts';
import { guarded, say, type Shell } from './shell.ts';
import { showPlan } from './show.ts';
import { snapshot, type SnapshotFlags } from './snapshot.ts';
import { status, type StatusFlags } from './status.ts';
import { unlock, type UnlockFlags } from './unlock.ts';
import { validate, validateFormat, type ValidateFlags } from './validate.ts';

/** Of design, but not of this version. */
const later = ['render', 'fmt', 'comment', 'completion'] as const;

const importHelp = `
What VMs share stands in the file once: a profile for each way to build a VM (type, boot, display, serial, tablet, on, cpupool, xl)
that two or more have, named after what it holds; defaults for type, vcpus and memory that more than half of them, and three or
more, have the same. The same VMs give the same file, and one more changes no other.`;

type Run = (code: number) => void;

const paths = 'the files or folders that describe the farm; farm.yaml or farm/ unless said';

const addCommands = (program: Command, shell: Shell, ended: Run): void => {
  const command = (name: string, description: string): Command =>
    program.command(name).description(description).option('--no-color', 'no colours, as NO_COLOR does');
  command('validate', 'check the file; no network')
    .argument('[path...]', paths)
    .addOption(
      new Option('--format <format>', 'text, json, sarif, or github (annotations)')
        .argParser(validateFormat)
        .default('text'),
    )
    .option('--json', 'short for --format json', false)
    .action(async (path: string[], flags: ValidateFlags) => ended(await validate(shell, path, flags)));
  forms(command('diff', 'say what a change of the file means, thing by thing; no network'))
    .argument('[path...]', 'OLD NEW: files, folders, revisions of git; with --base, the files that describe the farm')
    .option('--base <revision>', 'compare with what this branch or commit and the head have in common')
    .option('--head <revision>', 'with --base: this commit instead of the files as they are')
    .option('--detailed-exitcode', 'exit with 2 where something changes', false)
    .option('--textconv', 'print one file field by field, for a textconv of git', false)
    .action(async (path: string[], flags: DiffFlags) => ended(await diff(shell, path, flags)));
  replaying(planning(command('plan', 'show what would be done and what it costs; changes nothing')))
    .argument('[path...]', paths)
    .option('--diff', 'show what becomes of each cfg, line by line; passwords are not shown', false)
    .option('--pending', 'as with `apply --pending`: restart what waits for a restart', false)
    .option('--out <file>', 'save the plan, for `reeve apply FILE`')
    .option('--detailed-exitcode', 'exit with 2 where there is something to do', false)
    .action(async (path: string[], flags: PlanCommandFlags) => ended(await plan(shell, path, flags)));
  showing(command('show', 'show a saved plan, checked as apply checks it; no network'))
    .argument('<plan>', 'what `reeve plan --out` or `--json` wrote')
    .action(async (path: string, flags: ShowFlags) => ended(await showPlan(shell, path, flags)));
  reading(planning(command('apply', 'plan, ask, and do it; or do a saved plan')))
    .argument('[path...]', `${paths}; or one PLAN.json`)
    .option('--yes', 'do not ask', false)
    .option('--expect <digest>', 'only the plan of this digest')
    .option('--expect-class <approval>', 'only what does no more than this PLAN.json, or this text of its class')
    .addOption(waiting())
    .option('--events <file>', 'write what happens as JSON, one event a line')
    .option('--pending', 'restart what waits for a restart', false)
    .action(async (path: string[], flags: ApplyFlags, self: Command) => {
      const given = self.options.map((o) => o.attributeName()).filter((o) => self.getOptionValueSource(o) === 'cli');
      ended(await apply(shell, path, flags, given));
    });
  drifting(command('drift', 'show what a hand changed; exits with 2 where there is something'))
    .argument('[path...]', paths)
    .action(async (path: string[], flags: Omit<PlanFlags, 'cause'>) => ended(await drift(shell, path, flags)));
  replaying(command('status', 'show servers and VMs as they are, managed or not; changes nothing'))
    .argument('[path...]', paths)
    .addOption(repeated('--pool <name>', 'only this pool'))
    .option('--json', 'as JSON', false)
    .action(async (path: string[], flags: StatusFlags) => ended(await status(shell, path, flags)));
  reading(command('history', 'show what was done on the servers, newest last; changes nothing'))
    .argument('[vm]', 'only what was done to this VM')
    .argument('[path...]', `${paths}; a first one is written with a / or with .yaml`)
    .addOption(repeated('--server <name>', 'only on this server'))
    .addOption(new Option('--since <when>', 'only what began since then: 90m, 12h, 7d, or a date').argParser(sinceWhen))
    .option('--json', 'as JSON', false)
    .action(async (vm: string | undefined, path: string[], flags: HistoryFlags) =>
      ended(await history(shell, vm, path, flags)),
    );
  replaying(
    shaping(command('explain', 'say why a VM is where it is, and what each change would cost; changes nothing')),
  )
    .argument('<vm>', 'the VM, as the file names it')
    .argument('[path...]', paths)
    .option('--json', 'as JSON', false)
    .action(async (vm: string, path: string[], flags: ExplainFlags) =>
      ended(await explain(shell, vm, path, { ...flags, cause: 'all' })),
    );
  replaying(shaping(command('graph', 'print the operations of the plan and what waits for what; changes nothing')))
    .argument('[path...]', paths)
    .addOption(new Option('--format <format>', 'mermaid or dot').argParser(graphFormat).default('mermaid'))
    .action(async (path: string[], flags: GraphFlags) => ended(await graph(shell, path, { ...flags, cause: 'all' })));
  replaying(showing(command('balance', 'show the moves that make a pool more even, as a plan; changes nothing')))
    .argument('<pool>', 'the pool')
    .argument('[path...]', paths)
    .addOption(new Option('--max-moves <n>', 'at most so many moves').argParser(maxMoves).default(10))
    .option('--out <file>', 'save the plan, for `reeve apply FILE`')
    .action(async (pool: string, path: string[], flags: BalanceFlags) =>
      ended(await balance(shell, pool, path, { ...noShaping, ...flags })),
    );
  reading(
    command(
      'roll',
      'empty, treat, reboot and take back one server of a pool after the other; goes on where it broke off',
    ),
  )
    .argument('<pool>', 'the pool')
    .argument('[path...]', paths)
    .option('--run <command>', 'run this where Reeve runs, with {server} and {address}, once a server is empty')
    .option('--reboot', 'reboot each server', false)
    .option('--home', 'bring the VMs of each server home once it is back', false)
    .option('--dry-run', 'only print the whole plan of the roll; changes nothing', false)
    .option('--json', 'print the plan of the roll as JSON', false)
    .option('--abandon', 'forget a roll that broke off; nothing else is touched', false)
    .option('--yes', 'do not ask', false)
    .addOption(allowing())
    .action(async (pool: string, path: string[], flags: RollOwnFlags) =>
      ended(await roll(shell, pool, path, { ...noShaping, ...flags })),
    );
  reading(command('release', 'give a VM back: its marker goes, the VM is not touched'))
    .argument('<vm>', 'the VM, as the file names or named it')
    .argument('[path...]', paths)
    .option('--yes', 'do not ask', false)
    .action(async (vm: string, path: string[], flags: ReleaseFlags) => ended(await release(shell, vm, path, flags)));
  command('unlock', 'show who holds a server and what runs there for a run; break its lock')
    .argument('<server>', 'the server, as the file names it')
    .argument('[path...]', paths)
    .option('--yes', 'do not ask', false)
    .action(async (server: string, path: string[], flags: UnlockFlags) =>
      ended(await unlock(shell, server, path, flags)),
    );
  reading(command('console', 'open the console of a running VM; Ctrl-] leaves'))
    .argument('<vm>', 'the VM, as the file or Xen names it')
    .argument('[path...]', paths)
    .action(async (vm: string, path: string[], flags: ConsoleFlags) => ended(await console(shell, vm, path, flags)));
  reading(command('snapshot', 'save what the servers answer, for --from-snapshot; changes nothing'))
    .argument('[path...]', paths)
    .requiredOption('--out <file>', 'where to; readable by its owner alone')
    .action(async (path: string[], flags: SnapshotFlags) => ended(await snapshot(shell, path, flags)));
  replaying(command('import', 'write the file that describes what is there; changes nothing there'))
    .argument('[path...]', `${paths}; the new file is that one with the VMs that it does not have`)
    .option('--server <host...>', 'from these servers, without a file', [])
    .option('--cfg <path...>', 'from these cfgs, files or folders of them, without a server', [])
    .option('--farm <name>', 'what the farm is called where no file says it', 'home')
    .addOption(repeated('--vm <glob>', 'only these VMs'))
    .option('--merge <file>', 'put what is new into this file, and keep what stands in it')
    .option('--out <path>', 'write it into this file, or as files into this folder (FOLDER/)')
    .option('--force', 'write over what is there', false)
    .addHelpText('after', importHelp)
    .action(async (path: string[], flags: ImportFlags) => ended(await importFarm(shell, path, flags)));
  command('schema', 'print the JSON Schema of the file or of the plan document')
    .argument('[name]', 'farm or plan', 'farm')
    .action(async (name: string) => ended(await schema(shell, name)));
  command('demo', 'a simulated farm in this process: plan, apply, drift, plan again').action(
    async (flags: CommonFlags) => ended(await demo(shell, flags, obey)),
  );
  for (const name of later) {
    program
      .command(name, { hidden: true })
      .argument('[anything...]')
      .allowUnknownOption()
      .helpOption(false)
      .action(() => {
        throw new ExitError(exit.error, `reeve ${name} is not built yet in this version`);
      });
  }
};

const obey = async (argv: readonly string[], shell: Shell): Promise<number> => {
  let code: number = exit.done;
  const program = new Command('reeve')
    .description('Keeps a Xen farm as a YAML file says: plans and applies, with the downtime of each change.')
    .version(shell.version, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.out.write(text),
      writeErr: (text) => shell.err.write(text),
      getOutHelpWidth: () => (shell.out.terminal ? shell.out.columns() : 100),
      getErrHelpWidth: () => (shell.err.terminal ? shell.err.columns() : 100),
    })
    .addHelpText(
      'after',
      '\nExit codes: 0 done or nothing to do, 1 error, 2 changes pending, 3 invalid file, 4 a server could not be read,' +
        '\n5 something refused, 6 the plan is stale, 7 applied in part, 130 cancelled.',
    );
  addCommands(program, shell, (c) => {
    code = c;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exit.done : exit.error;
    if (!(error instanceof ExitError)) throw error;
    const reason = error.reason === undefined ? '' : ` (${error.reason})`;
    if (error.message !== '') say(shell.err, `reeve: ${error.message}${reason}`);
    if (error.help !== undefined) say(shell.err, `help: ${error.help}`);
    return error.code;
  }
};

/** Runs one command line (without `node` and the program's name) and returns its exit code. A bug is thrown. */
export const run = (argv: readonly string[], shell: Shell): Promise<number> => obey(argv, guarded(shell));

/** A bug, as it is: for whoever mends it. */
export const tellBug = (shell: Shell, error: unknown): void =>
  guarded(shell).err.write(`reeve: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);

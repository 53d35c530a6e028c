/** A simulated farm in a process of its own, so that a benchmark's client does not pay for its servers. Prints one line of JSON. */
import { startSimFarm } from '../../dist/sim/index.js';

const spec = JSON.parse(process.argv[2] ?? '{}');
const sim = await startSimFarm({ ...spec, speed: spec.speed ?? Infinity });
const make = async (s, i) => {
  const name = `${s.name}-vm${i}`;
  const cfg = `/etc/xen/${name}.cfg`;
  const mac = `02:00:00:${[s.name.length, i >> 8, i & 255].map((n) => n.toString(16).padStart(2, '0')).join(':')}`;
  sim
    .files(s.name)
    .write(
      cfg,
      `name = "${name}"\ntype = "pvh"\nmemory = 64\nvcpus = 1\nkernel = "/srv/vmlinuz"\nvif = [ "mac=${mac},bridge=xenbr0" ]\n`,
    );
  const { rc, err } = await sim.hand(s.name, ['xl', 'create', '-q', cfg]);
  if (rc !== 0) throw new Error(err);
};
await Promise.all(spec.servers.flatMap((s) => Array.from({ length: spec.vmsPerServer }, (_, i) => make(s, i))));
await sim.settle();
process.stdout.write(`${JSON.stringify({ servers: sim.servers, clientKey: sim.clientKey })}\n`);
process.stdin.resume().on('end', () => process.exit(0));

/** Mutants of a TypeScript file, all at once: its text with a switch at each place that could be otherwise, and what each would be. */
import { parseAst } from 'vitest/node';

export interface Mutant {
  readonly id: number;
  /** Of the source; lines count from 1. */
  readonly file: string;
  readonly line: number;
  /** `i < n → i <= n` */
  readonly what: string;
}

interface Ast {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const isAst = (x: unknown): x is Ast => typeof x === 'object' && x !== null && typeof (x as Ast).type === 'string';

const swapped: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '&&': '||',
  '||': '&&',
  '+': '-',
  '-': '+',
};

const otherMethod: Readonly<Record<string, string>> = { some: 'every', every: 'some', max: 'min', min: 'max' };

/** The name of the switch in the instrumented text: it is true where its mutant is on. */
const name = '__mutant';

const short = (text: string): string => {
  const flat = text.replaceAll(/\s+/g, ' ');
  return flat.length > 60 ? `${flat.slice(0, 57)}…` : flat;
};

export const mutate = (
  file: string,
  source: string,
  firstId: number,
): { readonly text: string; readonly mutants: readonly Mutant[] } => {
  const mutants: Mutant[] = [];
  const lineOf = (at: number): number => source.slice(0, at).split('\n').length;
  const add = (node: Ast, what: string): number => {
    const id = firstId + mutants.length;
    mutants.push({ id, file, line: lineOf(node.start), what });
    return id;
  };
  const raw = (node: Ast): string => source.slice(node.start, node.end);
  /** The text between two places, with what stands in it rendered. */
  const within = (start: number, end: number, nodes: readonly Ast[]): string => {
    let [at, out] = [start, ''];
    for (const n of [...nodes].sort((a, b) => a.start - b.start)) {
      // A shorthand's key and value are one.
      if (n.start < at) continue;
      out += source.slice(at, n.start) + render(n);
      at = n.end;
    }
    return out + source.slice(at, end);
  };
  const childrenOf = (node: Ast): readonly Ast[] =>
    Object.entries(node).flatMap(([key, v]) =>
      key === 'parent' ? [] : Array.isArray(v) ? v.filter(isAst) : isAst(v) ? [v] : [],
    );
  const plain = (node: Ast): string => within(node.start, node.end, childrenOf(node));
  const either = (node: Ast, whats: readonly string[], rest: string): string =>
    `(${whats.map((w) => `${name}(${add(node, `${short(raw(node))} → ${short(w)}`)}) ? (${w}) : `).join('')}(${rest}))`;

  const asTest = (node: Ast): string => either(node, [`!(${raw(node)})`], render(node));
  const render = (node: Ast): string => {
    // Types and patterns run nowhere.
    if (
      node.type.startsWith('TS') &&
      !['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression'].includes(node.type)
    )
      return raw(node);
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ArrayPattern':
      case 'ObjectPattern':
        return raw(node);
      case 'IfStatement':
      case 'ConditionalExpression': {
        const test = node['test'] as Ast;
        const inner = childrenOf(node).filter((c) => c !== test);
        return source.slice(node.start, test.start) + asTest(test) + within(test.end, node.end, inner);
      }
      case 'BinaryExpression':
      case 'LogicalExpression': {
        const [left, right] = [node['left'] as Ast, node['right'] as Ast];
        const operator = node['operator'] as string;
        const other = swapped[operator];
        const texts = [left, right].some((n) => n.type === 'TemplateLiteral' || typeof n['value'] === 'string');
        if (other === undefined || (operator === '+' && texts)) return plain(node);
        return either(node, [`(${raw(left)}) ${other} (${raw(right)})`], plain(node));
      }
      case 'ArrayExpression': {
        const elements = (node['elements'] as readonly (Ast | null)[]).filter(isAst);
        const without = elements.map((e) => {
          const others = elements.filter((x) => x !== e).map(raw);
          return `[${others.join(', ')}]`;
        });
        return elements.length === 0 ? raw(node) : either(node, without, plain(node));
      }
      case 'CallExpression': {
        const callee = node['callee'] as Ast;
        const property = callee.type === 'MemberExpression' ? (callee['property'] as Ast) : null;
        const method = property && String(property['name']);
        const object = callee['object'] as Ast;
        if (method === 'filter') return either(node, [raw(object)], plain(node));
        const swap = method === null ? undefined : otherMethod[method];
        if (property && swap !== undefined)
          return either(
            node,
            [source.slice(node.start, property.start) + swap + source.slice(property.end, node.end)],
            plain(node),
          );
        return plain(node);
      }
      case 'ExpressionStatement': {
        const expression = node['expression'] as Ast;
        // In braces: an `else` behind it is another's.
        const acts = ['CallExpression', 'AssignmentExpression', 'UpdateExpression'].includes(expression.type);
        if (!acts) return plain(node);
        return `{ if (!${name}(${add(node, `${short(raw(node))} → left out`)})) { ${plain(node)} } }`;
      }
      case 'ContinueStatement':
      case 'BreakStatement':
        return `{ if (!${name}(${add(node, `${raw(node)} → left out`)})) { ${raw(node)} } }`;
      case 'ReturnStatement': {
        const argument = node['argument'] as Ast | null;
        if (argument?.type !== 'Literal' || argument['value'] !== null) return plain(node);
        return `{ if (!${name}(${add(node, 'return null → left out')})) { ${plain(node)} } }`;
      }
      default:
        return plain(node);
    }
  };
  const ast = parseAst(source, { lang: 'ts' } as never) as unknown as Ast;
  const head = `const ${name} = (id) => globalThis.mutantIsOn?.(id) ?? false;\n`;
  return { text: head + plain(ast), mutants };
};

// The progress of an execution: its steps, approvals and waits in the order of the workflow.
import type { Execution, OutlineNode, Question, Step } from '../api/types';

export type Entry =
  | { is: 'step'; step: Step }
  | { is: 'approval'; question: Question }
  // A state without a record. `passed`: what follows it has begun. `over`: a wait that had to end
  // for that. A wait leaves no record.
  | { is: 'state'; node: OutlineNode; over: boolean; passed: boolean };

// The kinds of states that pages list.
export const SHOWN = ['step', 'approval', 'wait'];

// The nodes of a level in the order in which they can run: each after all that lead to it, and
// otherwise as listed. The API lists what follows a branch before the next branch.
export function ordered(level: readonly OutlineNode[]): OutlineNode[] {
  const waiting = [...level];
  const placed: OutlineNode[] = [];
  const leadsTo = (one: OutlineNode, name: string) =>
    one.name !== name && one.next.some((arrow) => arrow.to === name);
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ name }) => !waiting.some((other) => leadsTo(other, name)));
    // If a circle blocks all that remain, the first one in the list comes first.
    placed.push(...waiting.splice(Math.max(0, next), 1));
  }
  return placed;
}

// All nodes of an outline in order, each container before what is inside it.
export function flat(nodes: readonly OutlineNode[]): OutlineNode[] {
  return ordered(nodes).flatMap((node) => [
    node,
    ...(node.inside ?? []).flatMap((level) => flat(level)),
  ]);
}

// The names of the nodes that can be reached from `names` on a level, with what is inside them.
// No path leads through the node `without`.
function reached(
  names: readonly string[],
  level: readonly OutlineNode[],
  without?: string,
): Set<string> {
  const found = new Set<string>();
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const node = level.find((one) => one.name === name);
    if (!node || name === without || found.has(name)) continue;
    for (const one of flat([node])) found.add(one.name);
    waiting.push(...node.next.map((arrow) => arrow.to));
  }
  return found;
}

// Nodes that follow `node` on its level, with what is inside them.
const following = (node: OutlineNode, level: readonly OutlineNode[]) =>
  reached(
    node.next.map((arrow) => arrow.to),
    level,
  );

// Nodes of a level that its first node reaches without passing `node`.
const around = (node: OutlineNode, level: readonly OutlineNode[]) =>
  reached(
    level.slice(0, 1).map((first) => first.name),
    level,
    node.name,
  );

// Without an outline, the steps and approvals that have a record.
export function progressOf(execution: Execution, outline: readonly OutlineNode[]): Entry[] {
  const { steps } = execution;
  // A step can ask again; its last question counts.
  const approvals = new Map(
    execution.questions
      .filter((question) => question.kind === 'approval')
      .map((question) => [question.step, question]),
  );
  const begun = new Set([...steps.map((step) => step.name), ...approvals.keys()]);
  const known = new Set(flat(outline).map((node) => node.name));
  const level = (nodes: readonly OutlineNode[]): Entry[] =>
    ordered(nodes).flatMap((node): Entry[] => {
      const question = approvals.get(node.name);
      const own = steps.filter((step) => step.name === node.name);
      const inside = (node.inside ?? []).flatMap(level);
      if (own.length > 0) return [...own.map((step): Entry => ({ is: 'step', step })), ...inside];
      if (question) return [{ is: 'approval', question }, ...inside];
      if (!SHOWN.includes(node.kind)) return inside;
      const later = [...following(node, nodes)].filter((name) => begun.has(name));
      const others = around(node, nodes);
      const over = node.kind === 'wait' && later.some((name) => !others.has(name));
      return [{ is: 'state', node, over, passed: later.length > 0 }, ...inside];
    });
  return [
    ...level(outline),
    ...[...approvals.values()]
      .filter((question) => !known.has(question.step))
      .map((question): Entry => ({ is: 'approval', question })),
    ...steps.filter((step) => !known.has(step.name)).map((step): Entry => ({ is: 'step', step })),
  ];
}

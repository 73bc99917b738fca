// The progress of an execution: its steps, approvals and waits in the order of the workflow.
import type { Execution, OutlineNode, Question, Step } from '../api/types';

export type Entry =
  | { is: 'step'; step: Step }
  | { is: 'approval'; question: Question }
  // A state without a record. A wait leaves none: that it is over is known from what follows it.
  | { is: 'state'; node: OutlineNode; over: boolean };

// The kinds of states that pages list.
export const SHOWN = ['step', 'approval', 'wait'];

// All nodes of an outline, each container before what is inside it.
export function flat(nodes: readonly OutlineNode[]): OutlineNode[] {
  return nodes.flatMap((node) => [node, ...(node.inside ?? []).flatMap((level) => flat(level))]);
}

// The names of the nodes that follow `node` on its level, with what is inside them.
function following(node: OutlineNode, level: readonly OutlineNode[]): Set<string> {
  const found = new Set<string>();
  const waiting = node.next.map((arrow) => arrow.to);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const next = level.find((one) => one.name === name);
    if (!next || found.has(name)) continue;
    for (const one of flat([next])) found.add(one.name);
    waiting.push(...next.next.map((arrow) => arrow.to));
  }
  return found;
}

// Without an outline, the steps and approvals that have a record.
export function progressOf(execution: Execution, outline: readonly OutlineNode[]): Entry[] {
  const { steps } = execution;
  // A step can ask again; its last question counts.
  const approvals = new Map(
    execution.questions
      .filter((question) => question.kind === 'approval' && question.status !== 'SKIPPED')
      .map((question) => [question.step, question]),
  );
  const begun = new Set([...steps.map((step) => step.name), ...approvals.keys()]);
  const known = new Set(flat(outline).map((node) => node.name));
  const level = (nodes: readonly OutlineNode[]): Entry[] =>
    nodes.flatMap((node): Entry[] => {
      const question = approvals.get(node.name);
      const own = steps.filter((step) => step.name === node.name);
      const inside = (node.inside ?? []).flatMap(level);
      if (own.length > 0) return [...own.map((step): Entry => ({ is: 'step', step })), ...inside];
      if (question) return [{ is: 'approval', question }, ...inside];
      if (!SHOWN.includes(node.kind)) return inside;
      const over = [...following(node, nodes)].some((name) => begun.has(name));
      return [{ is: 'state', node, over }, ...inside];
    });
  return [
    ...level(outline),
    ...[...approvals.values()]
      .filter((question) => !known.has(question.step))
      .map((question): Entry => ({ is: 'approval', question })),
    ...steps.filter((step) => !known.has(step.name)).map((step): Entry => ({ is: 'step', step })),
  ];
}

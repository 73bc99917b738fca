// Types of answers whose routes the API's document describes as open values.

import type { Control } from './types';

export interface Count {
  count: number;
  more: boolean;
}

export interface Figures {
  started: number;
  ended: Record<string, number>;
  withdrawn: number;
  success_rate: number | null;
  mean_time_to_complete_ms: number | null;
  total_time_to_complete_ms: number;
  decisions: number;
  mean_time_to_decide_ms: number | null;
  total_time_to_decide_ms: number;
}

export interface Bucket extends Figures {
  at: string;
}

export interface StepFigures {
  workflow_id: string;
  step: string;
  ended: number;
  attempts: number;
  mean_ms: number | null;
  total_ms: number;
}

export interface Statistics {
  tenant: string | null;
  from: string;
  until: string;
  by: 'hour' | 'day';
  total: Figures;
  buckets: Bucket[];
  workflows: Array<Figures & { workflow_id: string }>;
  steps: StepFigures[];
  tenants?: Array<Figures & { tenant: string }>;
  now: {
    open_incidents: Count;
    waiting_questions: Count;
    paused: Control[];
  };
  updated_at: string | null;
}

export interface Effect {
  step: string;
  item?: string;
  action: string;
  state: string;
  certainty: 'certain' | 'possible';
  why?: string;
}

export interface Action {
  action: 'cancel' | 'rollback' | 'redrive' | 'decide';
  decision?: string;
  step?: string;
  allowed: boolean;
  refusal?: { code: string; message: string };
  request: { method: 'POST'; path: string; body: Record<string, unknown> };
  command: string;
  effect: string;
  undoes: Effect[];
  cannot_undo: Effect[];
  continues?: { keeps: Effect[]; runs: string[]; version: number; first?: string };
  waits_until?: string;
}

export interface Actions {
  execution_id: string;
  workflow_id: string;
  tenant: string;
  status: string;
  generation: number;
  actions: Action[];
}

export interface OutlineNode {
  name: string;
  kind: string;
  action?: string;
  undo?: boolean;
  optional?: boolean;
  escalates?: boolean;
  by?: string[];
  next: Array<{ to: string; label?: string }>;
  inside?: OutlineNode[][];
}

export interface Check {
  admissible: boolean;
  problems: Array<{ guardrail: string; pointer?: string; message: string }>;
  decided_at_start: string[];
}

// An audit event, as the story of an execution has it.
export interface StoryEvent {
  id: string;
  type: string;
  time: string;
  actor?: string;
  data: Record<string, unknown>;
}

// A guardrail of a workflow.
export interface Guardrail {
  name: string;
  message?: string | null;
}

// A step of a workflow, as its state declares it.
export interface DeclaredStep {
  name: string;
  action?: string;
  timeout_s?: number;
  max_attempts?: number;
  undo?: unknown;
  for_each?: unknown;
}

// A cause of incidents, over all tenants that the reader sees.
export interface Cause {
  workflow_id: string;
  state: string;
  error: string;
  message?: string | null;
  standing: boolean;
  tenants: string[];
  since: string;
  latest: string;
  executions: Count;
  incidents: Array<{
    incident_id: string;
    tenant: string;
    opened_at: string;
    executions: Count;
    status: string;
    href: string;
  }>;
}

export interface Causes {
  causes: Cause[];
  more: boolean;
}

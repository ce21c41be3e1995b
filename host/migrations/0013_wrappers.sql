-- Schedules of one shape share the component of their wrapper: whether another one has it, is asked when one expires.
CREATE INDEX dynamic_workflows_component ON dynamic_workflows (tenant, component);

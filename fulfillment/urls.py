"""Tasks, projects, plans, callbacks: URLs."""

from django.urls import URLPattern, path

from fulfillment.views import (
    callbacks,
    durations,
    engine,
    panels,
    planedit,
    plans,
    projects,
    task,
    taskmany,
    tasks,
    taskteams,
)  # fmt: skip

app_name = "fulfillment"
urlpatterns: list[URLPattern] = [
    path("tasks/", tasks.queue, name="task_list"),
    path("tasks/all/", tasks.everybody, name="task_all"),
    path("tasks/claim/", tasks.claim, name="task_claim"),
    path("tasks/assign/", tasks.assign, name="task_assign"),
    path("tasks/many/", taskmany.preview, name="task_many"),
    path("tasks/many/complete/", taskmany.complete, name="task_many_complete"),
    path("tasks/teams/", taskteams.page, name="task_teams"),
    path("tasks/of/<str:root_type>/<int:root_id>/", panels.tasks_of_root, name="tasks_of_root"),
    path("tasks/<str:number>/", task.page, name="task"),
    path("tasks/<str:number>/fields/", task.fields, name="task_fields"),
    path("tasks/<str:number>/<slug:name>/", task.act, name="task_move"),
    path("projects/", projects.listing, name="project_list"),
    path("projects/<str:number>/", projects.page, name="project"),
    path("projects/<str:number>/done/<int:pk>/", projects.done, name="project_task_done"),
    path("process/durations/", durations.listing, name="duration_list"),
    path("plans/", plans.listing, name="plan_list"),
    path("plans/<slug:key>/v<int:version>/", plans.page, name="plan"),
    path("plans/new/", planedit.begin, name="plan_new"),
    path("plans/<slug:key>/v<int:version>/compare/", plans.compare, name="plan_compare"),
    path("plans/<slug:key>/v<int:version>/try/", plans.trial, name="plan_trial"),
    path("plans/<slug:key>/v<int:version>/describe/", planedit.describe, name="plan_describe"),
    path("plans/<slug:key>/v<int:version>/step/", planedit.step, name="plan_step_new"),
    path("plans/<slug:key>/v<int:version>/step/<slug:item>/", planedit.step, name="plan_step"),
    path("plans/<slug:key>/v<int:version>/step/<slug:item>/remove/", planedit.remove, name="plan_step_remove"),
    path("plans/<slug:key>/v<int:version>/next/", planedit.next_version, name="plan_next"),
    path("plans/<slug:key>/v<int:version>/publish/", planedit.publish, name="plan_publish"),
    path("plans/<slug:key>/v<int:version>/discard/", planedit.discard, name="plan_discard"),
    path("plans/<slug:key>/v<int:version>/retire/", planedit.retire, name="plan_retire"),
    path("plans/<slug:key>/v<int:version>/running/", planedit.move, name="plan_move"),
    path("engine/", engine.page, name="engine"),
    path("engine/pause/", engine.pause, name="engine_pause"),
    path("engine/resume/", engine.resume, name="engine_resume"),
    path("callbacks/<slug:system>/", callbacks.callback, name="callback"),
]

" Vim syntax file of networks for cnnc, made from its tables by `make reference`.
if exists('b:current_syntax')
  finish
endif

syn match cnncNumber /\v<\d+%(\.\d*)?%([eE][+-]?\d+)?/
syn match cnncPair /\<\d\+x\d\+\>/
syn match cnncValue /\<\%(float32\|int32\|valid\|same\|channels_last\|causal\|constant\|nearest\|reflect\|wrap\|bilinear\|horizontal\|vertical\|horizontal_and_vertical\|concat\|sum\|mul\|ave\|fan_in\|fan_out\|fan_avg\|truncated_normal\|untruncated_normal\|uniform\|ROC\|PR\|roc\|pr\|interpolation\|minoring\|majoring\|micro\|macro\|weighted\|auto\|min\|max\|epoch\|temporal\|test\|batch\)\>/
syn match cnncRow /\<\%(sgd\|rmsprop\|adagrad\|adadelta\|adam\|adamw\|adamax\|nadam\|lion\|ftrl\|binary_crossentropy\|binary_focal_crossentropy\|categorical_crossentropy\|categorical_focal_crossentropy\|categorical_hinge\|cosine_similarity\|hinge\|huber\|kl_divergence\|log_cosh\|mean_absolute_error\|mean_absolute_percentage_error\|mean_squared_error\|mean_squared_logarithmic_error\|poisson\|sparse_categorical_crossentropy\|squared_hinge\|bce\|BCE\|huber_loss\|kld\|KLD\|kullback_leibler_divergence\|logcosh\|mae\|MAE\|mape\|MAPE\|mse\|MSE\|msle\|MSLE\|relu\|relu6\|leaky_relu\|elu\|selu\|gelu\|silu\|swish\|mish\|sigmoid\|hard_sigmoid\|tanh\|softplus\|softsign\|exponential\|softmax\|linear\|glorot_uniform\|glorot_normal\|he_uniform\|he_normal\|lecun_uniform\|lecun_normal\|variance_scaling\|random_uniform\|uniform\|random_normal\|truncated_normal\|zeros\|ones\|constant\|orthogonal\|identity\|l1\|l2\|l1_l2\|exponential_decay\|inverse_time_decay\|polynomial_decay\|cosine_decay\|cosine_decay_restarts\|piecewise_constant_decay\|accuracy\|auc\|binary_accuracy\|categorical_accuracy\|f1_score\|precision\|recall\|root_mean_squared_error\|sparse_categorical_accuracy\|sparse_top_k_categorical_accuracy\|top_k_categorical_accuracy\|acc\|early_stopping\|model_checkpoint\|reduce_lr_on_plateau\|learning_rate_scheduler\|csv_logger\|terminate_on_nan\)\>/
syn match cnncLayer /\<\%(input\|rescaling\|conv2d\|conv1d\|depthwise_conv2d\|separable_conv2d\|locally_connected2d\|max_pooling2d\|max_pooling1d\|average_pooling2d\|average_pooling1d\|l2_pooling2d\|global_max_pooling2d\|global_max_pooling1d\|global_average_pooling2d\|global_average_pooling1d\|dropout\|spatial_dropout1d\|spatial_dropout2d\|gaussian_noise\|gaussian_dropout\|alpha_dropout\|random_translation\|random_rotation\|random_zoom\|random_flip\|batch_normalization\|layer_normalization\|local_response_normalization\|unit_normalization\|flatten\|reshape\|permute\|repeat_vector\|zero_padding2d\|zero_padding1d\|cropping2d\|cropping1d\|up_sampling2d\|up_sampling1d\|embedding\|dense\|activation\|relu\|re_lu\|relu6\|leaky_relu\|leaky_re_lu\|p_re_lu\|prelu\|elu\|selu\|gelu\|silu\|swish\|mish\|sigmoid\|hard_sigmoid\|tanh\|softplus\|softsign\|exponential\|softmax\|linear\|add\|subtract\|multiply\|average\|maximum\|minimum\|concatenate\|simple_rnn\|lstm\|gru\|bidirectional\|time_distributed\)\>\ze\s*(/
syn match cnncStatement /\<\%(outputs\|compile\|fit\)\>\ze\s*(/
syn match cnncArgument /\<\%(shape\|dtype\|scale\|offset\|filters\|kernel_size\|strides\|padding\|data_format\|dilation_rate\|groups\|activation\|use_bias\|kernel_initializer\|bias_initializer\|kernel_regularizer\|bias_regularizer\|activity_regularizer\|depth_multiplier\|depthwise_initializer\|depthwise_regularizer\|pointwise_initializer\|pointwise_regularizer\|pool_size\|keepdims\|rate\|seed\|stddev\|height_factor\|width_factor\|fill_mode\|interpolation\|fill_value\|factor\|mode\|axis\|momentum\|epsilon\|center\|beta_initializer\|gamma_initializer\|moving_mean_initializer\|moving_variance_initializer\|beta_regularizer\|gamma_regularizer\|depth_radius\|bias\|alpha\|beta\|target_shape\|dims\|n\|cropping\|size\|input_dim\|output_dim\|embeddings_initializer\|embeddings_regularizer\|units\|max_value\|negative_slope\|threshold\|alpha_initializer\|alpha_regularizer\|shared_axes\|approximate\|recurrent_initializer\|recurrent_regularizer\|dropout\|return_sequences\|go_backwards\|stateful\|unroll\|recurrent_activation\|unit_forget_bias\|reset_after\|layer\|merge_mode\|backward_layer\|learning_rate\|nesterov\|weight_decay\|clipnorm\|clipvalue\|global_clipnorm\|rho\|centered\|initial_accumulator_value\|beta_1\|beta_2\|amsgrad\|learning_rate_power\|l1_regularization_strength\|l2_regularization_strength\|l2_shrinkage_regularization_strength\|from_logits\|label_smoothing\|apply_class_balancing\|gamma\|delta\|distribution\|minval\|maxval\|mean\|value\|gain\|l1\|l2\|initial_learning_rate\|decay_steps\|decay_rate\|staircase\|end_learning_rate\|power\|cycle\|warmup_target\|warmup_steps\|first_decay_steps\|t_mul\|m_mul\|boundaries\|values\|num_thresholds\|curve\|summation_method\|average\|thresholds\|top_k\|class_id\|k\|monitor\|min_delta\|patience\|verbose\|baseline\|restore_best_weights\|start_from_epoch\|filepath\|save_best_only\|save_weights_only\|save_freq\|initial_value_threshold\|cooldown\|min_lr\|schedule\|filename\|separator\|append\|raise_error\|layers\|optimizer\|loss\|loss_weights\|metrics\|weighted_metrics\|sample_weight_mode\|target_tensors\|x\|y\|batch_size\|epochs\|callbacks\|validation_split\|validation_data\|shuffle\|class_weight\|sample_weight\|initial_epoch\|steps_per_epoch\|validation_steps\|validation_batch_size\|validation_freq\|validation_x\|validation_y\)\>\ze\s*=/
syn match cnncConstant /\<\%(true\|false\|none\)\>/
syn match cnncReserved /\<\%(model\|let\|block\|repeat\)\>/
syn region cnncString start=/"/ end=/"/ oneline
syn match cnncComment /#.*$/ contains=@Spell

hi def link cnncNumber Number
hi def link cnncPair Number
hi def link cnncString String
hi def link cnncComment Comment
hi def link cnncValue Constant
hi def link cnncRow Type
hi def link cnncLayer Function
hi def link cnncStatement Statement
hi def link cnncArgument Identifier
hi def link cnncConstant Boolean
hi def link cnncReserved Keyword

let b:current_syntax = 'cnnc'
